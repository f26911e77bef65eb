"""`manage.py analyze_partitions`: fresh statistics of the partitioned parents."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from dispatching.retention import analyze_partitions


class Command(BaseCommand):
    help = str(_("Refresh the planner's statistics of partitioned tables."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("\n".join(analyze_partitions()))
