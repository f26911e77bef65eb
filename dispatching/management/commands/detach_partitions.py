"""`manage.py detach_partitions`: takes weeks past DISPATCH_RETENTION_DAYS out of `dispatches` and its children."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_lazy as _

from dispatching.detaching import detach_partitions


class Command(BaseCommand):
    help = str(_("Take partitions out that are past their retention and finished."))

    def handle(self, *args: Any, **options: Any) -> None:
        done = detach_partitions()
        self.stdout.write("\n".join(done.detached) if done.detached else "Nothing to take out.")
        if done.kept:
            raise CommandError(f"Kept, because something in them is unfinished: {', '.join(done.kept)}")
