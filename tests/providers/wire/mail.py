"""Mail servers for the wire: a real one, and one that follows a script line by line."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from providers.messages import Envelope as OurEnvelope
from providers.messages import WireRequest
from tests.providers.wire.hostile import Peer

USERNAME, PASSWORD = "apikey", "canary-0f3a9c/77+d1"
MESSAGE = b"From: a@brand.com\r\nTo: ana@example.com\r\nSubject: Oi\r\n\r\nOl\xc3\xa1\r\n.\r\n..dots\r\n"


class Office:
    """An aiosmtpd handler that keeps what it is given, or answers as it is told."""

    def __init__(self, **replies: str) -> None:
        self.replies = replies
        self.received: list[Envelope] = []
        self.sessions: list[Session] = []

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.replies.get("mail", "250 2.1.0 Sender ok")

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.replies.get("rcpt", "250 2.1.5 Recipient ok")

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        self.received.append(envelope)
        self.sessions.append(session)
        return self.replies.get("data", f"250 2.0.0 Ok: queued as q-{len(self.received)}")


class _AnyPort(Controller):
    """The library's own knows no port 0."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.servers: list[SMTP] = []
        super().__init__(*arguments, **options)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's

    def factory(self) -> SMTP:
        server: SMTP = super().factory()  # type: ignore[no-untyped-call]  # the library's
        self.servers.append(server)
        return server

    def hang_up(self) -> None:
        """The library leaves connections open."""
        for server in self.servers:
            if isinstance(server.transport, asyncio.Transport):
                server.transport.abort()


@contextmanager
def office(
    handler: Office, *, tls: ssl.SSLContext | None = None, implicit: bool = False, **options: Any
) -> Iterator[int]:
    """The port of a running server. `tls`: STARTTLS, demanded; `implicit`: TLS from the first byte."""
    if tls is not None and not implicit:
        options |= {"tls_context": tls, "require_starttls": True}
    controller = _AnyPort(
        handler,
        hostname="127.0.0.1",
        port=0,
        ssl_context=tls if implicit else None,
        authenticator=_authenticate,
        auth_require_tls=tls is not None and not implicit,
        **options,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.loop.call_soon_threadsafe(controller.hang_up)
        controller.stop()


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


def mail_to(
    url: str,
    *,
    body: bytes = MESSAGE,
    sender: str = "bounce@brand.com",
    recipient: str = "ana@example.com",
    username: str = "",
    password: str = "",
    starttls: bool = False,
    timeout_ms: int = 5_000,
    max_answer_bytes: int = 64 * 1024,
    method: str = "MAIL",
) -> WireRequest:
    return WireRequest(
        method=method,
        url=url,
        headers=(),
        body=body,
        timeout_ms=timeout_ms,
        connect_timeout_ms=min(timeout_ms, 2_000),
        max_answer_bytes=max_answer_bytes,
        envelope=OurEnvelope(sender, recipient, username, password, starttls),
    )


Answer = str | Callable[[Peer], str | None]


class Dialogue:
    """A script: answers each command by its verb. A function does something to the peer, or returns what to say."""

    def __init__(self, **answers: Answer) -> None:
        self._answers: dict[str, Answer] = {
            "GREETING": "220 mx.example.com ESMTP",
            "EHLO": "250-mx.example.com\r\n250 SIZE 1000000",
            "MAIL": "250 2.1.0 Ok",
            "RCPT": "250 2.1.5 Ok",
            "DATA": "354 Go ahead",
            "END": "250 2.0.0 Ok: queued as Q1",
            "NOOP": "250 Ok",
            "QUIT": "221 2.0.0 Bye",
            **{verb.upper(): answer for verb, answer in answers.items()},
        }
        self.commands: list[str] = []
        self.messages: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        self._say(peer, self._answers["GREETING"])
        lines = peer.connection.makefile("rb")
        while line := lines.readline():
            command = line.decode().strip()
            self.commands.append(command)
            verb = command.split(" ")[0].upper()
            said = self._say(peer, self._answers.get(verb, "500 What?"))
            if verb == "DATA" and said.startswith("354"):
                self._take_message(lines)
                self._say(peer, self._answers["END"])
            if verb == "QUIT":
                return

    def _take_message(self, lines: Any) -> None:
        message = b""
        while (line := lines.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("the client left")
            message += line
        self.messages.append(message)

    def _say(self, peer: Peer, answer: Answer) -> str:
        said = (answer(peer) or "") if callable(answer) else answer
        if said:
            peer.send(said.encode() + b"\r\n")
        return said


def resets(peer: Peer) -> None:
    peer.reset()
    raise ConnectionError("reset")


def closes(_peer: Peer) -> None:
    raise ConnectionError("closed")


def hangs(peer: Peer) -> None:
    peer.hold()


def says_half(peer: Peer) -> None:
    peer.send(b"550-5.1.1 The mailbox\r\n550-5.1.1 that")
    raise ConnectionError("closed")
