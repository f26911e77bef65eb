"""Runs the sandbox vendor: a local gateway to rehearse campaigns without a real one."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from providers.sandbox.ledger import Ledger
from providers.sandbox.server import Server
from providers.sandbox.vendor import Vendor


class Command(BaseCommand):
    help = "Run a local vendor that accepts, refuses, hangs or fails as the recipient says, and counts what it took."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it (default)")
        parser.add_argument("--log", type=Path, help="file for one JSON line per accepted message; an old one goes on")
        parser.add_argument("--quiet", action="store_true", help="count in memory only: no file, for benchmarks")
        parser.add_argument("--idempotent", action="store_true", help="recognise repeated keys for every recipient")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        if options["quiet"] and options["log"]:
            raise CommandError("--quiet keeps no log: leave out one of --quiet and --log")
        try:
            ledger = Ledger(options["log"])
            vendor = Vendor(ledger, idempotent=options["idempotent"], clock=time.time)
            server = Server(vendor, host=options["host"], port=options["port"])
        except (OSError, OverflowError) as problem:
            raise CommandError(str(problem)) from problem
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        address = f"http://{options['host']}:{server.port}"
        self.stdout.write(_("Sandbox vendor at %(address)s") % {"address": address})
        self.stdout.flush()
        server.run()
