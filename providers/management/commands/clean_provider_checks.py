"""`manage.py clean_provider_checks`: deletes checks of connections that are older than a month."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from providers.retention import clean_provider_checks


class Command(BaseCommand):
    help = str(_("Delete old checks of providers' connections."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_provider_checks()} checks deleted.")
