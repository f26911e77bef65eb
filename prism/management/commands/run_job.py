"""`manage.py run_job NAME`: one periodic job, recorded as the queue would. Exits 1 when it fails."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from prism.jobs import JOBS, run_job


class Command(BaseCommand):
    help = str(_("Run one periodic job now."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=[job.name for job in JOBS])

    def handle(self, *args: Any, **options: Any) -> None:
        if not run_job(options["name"]):
            raise CommandError(f"{options['name']} did not succeed, runs elsewhere, or is held back: see the log.")
