"""`manage.py fold_counts`: sums up the counts of dispatches."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from dispatching.counting import fold_counts


class Command(BaseCommand):
    help = str(_("Sum up the counts of dispatches, one row per hour and key."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{fold_counts()} hours summed up.")
