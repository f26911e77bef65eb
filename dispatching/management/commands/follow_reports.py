"""`manage.py follow_reports`: asks vendors for reports that are due, and marks deliveries that are overdue, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.polling import JOB_SECONDS, follow_reports


class Command(BaseCommand):
    help = str(_("Ask vendors for the reports they owe, and mark overdue deliveries."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        count = follow_reports(max_seconds=options["max_seconds"], only_if_no_sender=False)
        self.stdout.write(f"{count} reports learnt by asking.")
