"""`manage.py relay_outbox`: publishes what waits in the outbox. Any number may run; they split the shards."""

from __future__ import annotations

import gc
import signal
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_lazy as _

from outbox.leases import LEASE_SECONDS
from outbox.relay import BrokerSilentError, Options, Relay
from tenants.residents import resident_starts


class Command(BaseCommand):
    help = str(_("Publish what waits in the outbox. Any number may run: they split the shards."))

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="leave as soon as nothing waits (for cron)")
        parser.add_argument("--idle-exit", type=float, metavar="SECONDS", help="leave after so long without work")
        parser.add_argument(
            "--lease",
            type=float,
            default=LEASE_SECONDS,
            metavar="SECONDS",
            help="how long a dead relay keeps its shards; the same for all relays (default %(default)s)",
        )
        parser.add_argument("--rows", type=int, default=1000, help="facts of a shard under way at once (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["lease"] < 1 or options["rows"] < 1:
            raise CommandError("--lease and --rows start at 1")
        stop = Stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        resident_starts()
        # Facts come and go by the thousand and form no cycles: looking for some at every turn took a fifth of the time.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        idle_exit = 0.0 if options["once"] else options["idle_exit"]
        try:
            Relay(Options(options["lease"], options["rows"], idle_exit), stopping=stop.is_asked).run()
        except BrokerSilentError as error:
            raise CommandError(str(error)) from None


class Stop:
    """Remembers that somebody asked the process to stop."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def is_asked(self) -> bool:
        return self._asked
