"""`manage.py apply_receipts`: looks again for the dispatches of receipts that came too early."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.receiving import JOB_SECONDS, apply_waiting_receipts


class Command(BaseCommand):
    help = str(_("Apply delivery receipts that wait for their dispatch."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{apply_waiting_receipts(max_seconds=options['max_seconds'])} receipts applied.")
