"""`manage.py clean_dead_letters`: deletes rejected triggers past DEAD_LETTER_RETENTION_DAYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from ingestion.retention import clean_dead_letters


class Command(BaseCommand):
    help = str(_("Delete rejected triggers that are past their retention."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_dead_letters()} rejected triggers deleted.")
