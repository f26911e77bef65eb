"""`manage.py clean_idempotency_keys`: deletes answers past IDEMPOTENCY_KEY_HOURS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.idempotency import JOB_SECONDS, clean_keys


class Command(BaseCommand):
    help = str(_("Delete answers kept for repeated requests that are past their time."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_keys(max_seconds=options['max_seconds'])} answers deleted.")
