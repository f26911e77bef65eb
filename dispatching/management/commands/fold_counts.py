"""`manage.py fold_counts`: sums up the counts of dispatches."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.counting import JOB_SECONDS, fold_counts


class Command(BaseCommand):
    help = str(_("Sum up the counts of dispatches, one row per hour and key."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{fold_counts(max_seconds=options['max_seconds'])} counts summed up.")
