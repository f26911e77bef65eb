"""Runs the sandbox vendor: a local gateway to rehearse campaigns without a real one."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from providers.sandbox import mail
from providers.sandbox.callbacks import CALLBACKS
from providers.sandbox.calling import Caller
from providers.sandbox.dialects import DIALECTS
from providers.sandbox.ledger import Ledger
from providers.sandbox.reporting import Address, calls_about
from providers.sandbox.server import Server
from providers.sandbox.vendor import Taken, Vendor


class Command(BaseCommand):
    help = (
        "Run a local vendor that accepts, refuses, hangs or fails as the recipient says, and counts what it took. It"
        " speaks as every vendor does, below a path of that name (http://…/twilio/2010-04-01/…), else as a gateway; and"
        " SMTP, with --mail-port."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it (default)")
        parser.add_argument(
            "--mail-port", type=int, help="take mail there too (SMTP); 0 takes a free one and prints it"
        )
        parser.add_argument(
            "--mail-certificate", type=Path, help="PEM with its key: offer STARTTLS, demand it of logins"
        )
        parser.add_argument("--log", type=Path, help="file for one JSON line per accepted message; an old one goes on")
        parser.add_argument("--quiet", action="store_true", help="count in memory only: no file, for benchmarks")
        parser.add_argument("--idempotent", action="store_true", help="recognise repeated keys for every recipient")
        parser.add_argument("--echo", action="store_true", help="repeat the whole request in every refusal")
        parser.add_argument("--credential", **_pairs("the credential to insist on; without it any will do"))
        parser.add_argument("--callback", **_pairs("where to report what became of each message", bare=True))
        parser.add_argument("--callback-secret", **_pairs("what those reports are signed with", bare=True))

    def handle(self, *_arguments: Any, **options: Any) -> None:
        if options["quiet"] and options["log"]:
            raise CommandError("--quiet keeps no log: leave out one of --quiet and --log")
        if options["mail_certificate"] and options["mail_port"] is None:
            raise CommandError("--mail-certificate is for mail: give --mail-port too")
        secrets = _by_vendor(options["callback_secret"], CALLBACKS)
        urls = _by_vendor(options["callback"], CALLBACKS)
        addresses = {name: Address(url, secrets.get(name, "")) for name, url in urls.items()}
        caller = Caller()

        def report(taken: Taken) -> None:
            caller.put(calls_about(taken, addresses, time.time()))

        try:
            vendor = Vendor(
                Ledger(options["log"]),
                idempotent=options["idempotent"],
                clock=time.time,
                told=_by_vendor(options["credential"], {*DIALECTS, mail.dialect.name}),
                echo=options["echo"],
                on_taken=report if addresses else None,
            )
            server = Server(
                vendor,
                host=options["host"],
                port=options["port"],
                mail_port=options["mail_port"],
                mail_certificate=options["mail_certificate"],
            )
        except (OSError, OverflowError) as problem:
            raise CommandError(str(problem)) from problem
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        caller.start()
        address = f"http://{options['host']}:{server.port}"
        self.stdout.write(_("Sandbox vendor at %(address)s") % {"address": address})
        if options["mail_port"] is not None:
            post = f"smtp://{options['host']}:{server.mail_port}"
            self.stdout.write(_("Its mail server at %(address)s") % {"address": post})
        self.stdout.flush()
        server.run()
        caller.stop()


def _pairs(text: str, *, bare: bool = False) -> dict[str, Any]:
    what = "[VENDOR=]VALUE" if bare else "VENDOR=VALUE"
    return {"action": "append", "default": [], "metavar": what, "help": f"{text}; may be given once per vendor"}


def _by_vendor(given: Sequence[str], known: Any) -> dict[str, str]:
    """A value without a name is for all vendors."""
    values: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if equals and name in known:
            values[name] = value
        elif "://" in each.partition("=")[0] or not equals:
            values |= dict.fromkeys(known, each)
        else:
            raise CommandError(f"{name} is none of: {', '.join(sorted(known))}")
    return values
