"""`manage.py run_worker`: django-q2 for the periodic jobs, under a watchdog. Any number may run."""

from __future__ import annotations

import signal
import sys
from argparse import SUPPRESS
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from prism.schedules import sync_schedules
from prism.watchdog import ClusterDoesNotStartError, Patience, Watchdog, end_with_parent
from tenants.residents import resident_starts


class Command(BaseCommand):
    help = str(_("Run the periodic jobs."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stale-after",
            type=float,
            default=Patience.stale_after,
            help="Seconds without a heartbeat after which the cluster is replaced (default: %(default)s).",
        )
        parser.add_argument("--cluster", action="store_true", help=SUPPRESS)  # the watched process itself

    def handle(self, *args: Any, **options: Any) -> None:
        if options["cluster"]:
            end_with_parent()
            call_command("qcluster")
            return
        resident_starts()
        sync_schedules()
        command = (sys.executable, str(settings.BASE_DIR / "manage.py"), "run_worker", "--cluster")
        watchdog = Watchdog(command, Patience(stale_after=options["stale_after"]))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: watchdog.stop())
        try:
            watchdog.run()
        except ClusterDoesNotStartError as error:
            raise CommandError(str(error)) from None
