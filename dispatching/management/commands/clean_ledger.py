"""`manage.py clean_ledger`: deletes receipts past LEDGER_RETENTION_DAYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.retention import JOB_SECONDS, clean_ledger


class Command(BaseCommand):
    help = str(_("Delete receipts of the ledger that are past their retention."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_ledger(max_seconds=options['max_seconds'])} receipts deleted.")
