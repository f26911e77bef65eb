"""`manage.py clean_webhook_calls`: deletes calls of vendors past WEBHOOK_RETENTION_DAYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from ingestion.retention import clean_webhook_calls


class Command(BaseCommand):
    help = str(_("Delete calls of vendors that are past their retention."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_webhook_calls()} calls deleted.")
