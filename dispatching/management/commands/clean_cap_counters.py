"""`manage.py clean_cap_counters`: deletes counters of frequency caps whose period is over."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.retention import JOB_SECONDS, clean_cap_counters


class Command(BaseCommand):
    help = str(_("Delete counters of frequency caps whose period is over."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_cap_counters(max_seconds=options['max_seconds'])} counters deleted.")
