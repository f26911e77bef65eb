"""`manage.py ensure_partitions`: makes the weeks ahead. Exits 1 with their names when some are still missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_lazy as _

from dispatching.upkeep import MissingPartitionsError, keep_partitions_ahead


class Command(BaseCommand):
    help = str(_("Make the partitions of the weeks ahead."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            created = keep_partitions_ahead()
        except MissingPartitionsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write("\n".join(created) if created else "All partitions are there.")
