"""`manage.py send_due_dispatches`: send what is due now, once, for cron and Kubernetes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.draining import JOB_SECONDS, drain_due


class Command(BaseCommand):
    help = str(_("Send the dispatches that are due now, then stop."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-seconds", type=float, default=JOB_SECONDS, help="Stop claiming after so many seconds."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        taken = drain_due(max_seconds=options["max_seconds"], only_if_no_sender=False)
        self.stdout.write(f"{taken} due dispatches taken.")
