"""`manage.py reap_workers`: recover what dead processes held. Living workers do this by themselves."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from dispatching.database import connect
from dispatching.reaping import reap


class Command(BaseCommand):
    help = str(_("Recover the batches of workers that are dead."))

    def handle(self, *args: Any, **options: Any) -> None:
        with connect("prism:reap") as connection:
            resolved = reap(connection, dead_after_s=settings.WORKER_DEAD_AFTER_SECONDS)
        self.stdout.write(f"{resolved} batches recovered.")
