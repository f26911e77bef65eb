"""`manage.py clean_contact_paces`: deletes counters of the time between two messages to one address."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.retention import JOB_SECONDS, clean_contact_paces


class Command(BaseCommand):
    help = str(_("Delete counters of the time between messages to one address that are past their time."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_contact_paces(max_seconds=options['max_seconds'])} counters deleted.")
