"""`manage.py check_providers`: checks connections that wait for it or are due; nothing is sent to anybody."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from providers.probing import JOB_SECONDS, check_providers


class Command(BaseCommand):
    help = str(_("Check the connections of providers that wait for it or are due."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{check_providers(max_seconds=options['max_seconds'])} checks ended.")
