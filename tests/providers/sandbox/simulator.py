"""The sandbox vendor in this process, on a port of its own, for tests that speak to it over the real wire."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from providers.sandbox import mail
from providers.sandbox.dialects import DIALECTS
from providers.sandbox.dialects.dialect import Dialect
from providers.sandbox.ledger import Ledger
from providers.sandbox.messages import Request
from providers.sandbox.replies import Reply
from providers.sandbox.server import Server
from providers.sandbox.vendor import Taken, Vendor


class Recording(Vendor):
    """Remembers what it was asked."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.requests: list[Request] = []

    def reply_to(self, request: Request) -> Reply:
        self.requests.append(request)
        return super().reply_to(request)


class Simulator:
    """`told`: the credential by dialect; `taken`: what was accepted, in order; `requests`: all that HTTP asked.
    `mail_certificate`: what its mail server offers by STARTTLS; without it there is no mail server."""

    def __init__(
        self,
        told: Mapping[str, str] | None = None,
        *,
        dialects: Mapping[str, Dialect] = DIALECTS,
        mail_certificate: Path | None = None,
        **options: Any,
    ) -> None:
        self.taken: list[Taken] = []
        self.ledger = Ledger(None)
        vendor = Recording(
            self.ledger,
            idempotent=False,
            clock=time.time,
            told=told,
            dialects=dialects,
            on_taken=self.taken.append,
            **options,
        )
        self.requests = vendor.requests
        mail_port = 0 if mail_certificate else None
        self._server = Server(vendor, host="127.0.0.1", port=0, mail_port=mail_port, mail_certificate=mail_certificate)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.mail_url = f"smtp://127.0.0.1:{self._server.mail_port}"

    def url_for(self, vendor: str) -> str:
        return self.mail_url if vendor == mail.dialect.name else self.url

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join(10)
