from __future__ import annotations

import threading

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IngestionConfig(AppConfig):
    name = "ingestion"
    verbose_name = _("Ingestion")

    def ready(self) -> None:
        from tenants import residents

        residents.beside_senders("webhooks", _hear)


def _hear(stop: threading.Event) -> None:
    from ingestion.hearing import Hearer

    Hearer().run(stop)
