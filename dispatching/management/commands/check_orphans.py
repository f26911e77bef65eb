"""`manage.py check_orphans`: rows whose other end is gone, or that nobody holds. Exits 1 when there are any."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.orphans import DAYS, find_orphans


class Command(BaseCommand):
    help = str(_("Look for dispatches whose references are gone and for dispatches that nobody holds."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help="How far back to look.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = find_orphans(days=options["days"])
        if findings:
            lines = [f"{one.check}: {one.count} (such as {', '.join(one.sample)})" for one in findings]
            raise CommandError("\n".join(lines))
        self.stdout.write("No orphans.")
