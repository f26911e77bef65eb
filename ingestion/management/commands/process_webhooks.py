"""`manage.py process_webhooks`: reads calls of vendors that wait, as resident senders do each half second."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext_lazy as _

from ingestion.hearing import JOB_SECONDS, process_webhooks


class Command(BaseCommand):
    help = str(_("Read the calls of vendors that wait, and apply what they report."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=JOB_SECONDS, help="Stop after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{process_webhooks(max_seconds=options['max_seconds'])} calls read.")
