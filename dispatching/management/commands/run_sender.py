"""`manage.py run_sender`: a resident sender of due rows. Any number may run."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.draining import DRAIN_S, DueDrainer
from dispatching.engine import Engine
from dispatching.polling import Follower
from providers.probing import Prober
from tenants.residents import resident_starts, start_beside


class Command(BaseCommand):
    help = str(_("Send due dispatches until stopped (SIGTERM drains)."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-seconds", type=float, default=None, help="Stop by itself after so many seconds.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        resident_starts()
        engine = Engine("sender")
        engine.start()
        drainer = DueDrainer(engine)
        # Checks of vendors' connections, asked for by people who look at a page: they are not to wait for the minute.
        probing = threading.Thread(target=Prober().run, args=(stop,), name="prober", daemon=True)
        probing.start()
        # Who asks vendors that report only when asked, and watches over deliveries that nobody reports on.
        following = threading.Thread(target=Follower(engine.snapshots).run, args=(stop,), name="reports", daemon=True)
        following.start()
        start_beside(stop)
        try:
            drainer.run(stop, max_seconds=options["max_seconds"])
        finally:
            stop.set()
            drained = engine.stop(DRAIN_S)
        if engine.failed:
            raise CommandError(f"A thread of this sender died: {engine.failed!r}. Start it again; nothing is lost.")
        if not drained:
            raise CommandError("Stopped before everything on the wire was answered; the rest becomes UNKNOWN.")
