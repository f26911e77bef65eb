"""`manage.py sync_schedules`: brings django-q2's schedules in line with prism.jobs. run_worker does it at its start."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from prism.schedules import sync_schedules


class Command(BaseCommand):
    help = str(_("Bring the schedules in line with the list of jobs."))

    def handle(self, *args: Any, **options: Any) -> None:
        changes = sync_schedules()
        for word, names in zip(("created", "changed", "removed"), changes, strict=True):
            self.stdout.write(f"{word}: {', '.join(names) or '-'}")
