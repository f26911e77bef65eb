"""What passes between dispatching, a transport and the wire: a message, one HTTP request, one answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
DEFAULT_MAX_ANSWER_BYTES = 256 * 1024


class Message(msgspec.Struct, frozen=True, gc=False):
    """One dispatch, rendered. `dispatch_id` (uuid text) is also the idempotency key, the same for all attempts."""

    dispatch_id: str
    to: str
    body: str
    subject: str | None
    template_code: str | None
    variables: dict[str, str]
    media_url: str | None
    channel: str
    correlation_id: str
    trace_id: str | None
    placeholders: tuple[str, ...] = ()
    """Names of `variables` in the order in which the template first names them, for vendors whose parameters have
    places instead of names."""

    def __repr__(self) -> str:
        """Without personal data: a message may end up in a log or a traceback."""
        return f"Message(dispatch_id={self.dispatch_id!r}, channel={self.channel!r})"


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What makes a request an e-mail over SMTP: its body is then the whole message (RFC 5322, CRLF), its URL
    smtp://host:port or smtps://host:port. `starttls`: never without it. No login where `username` is empty."""

    sender: str
    recipient: str
    username: str = ""
    password: str = ""
    starttls: bool = True

    def __repr__(self) -> str:
        return "Envelope()"


class Signing(msgspec.Struct, frozen=True, gc=False):
    """AWS Signature Version 4 over the request, made by the wire."""

    region: str
    service: str
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Signing({self.region!r}, {self.service!r})"


class WireRequest(msgspec.Struct, frozen=True, gc=False):
    """One request, over HTTP/1.1 where nothing else is said. `headers` are "Name: value" lines; times in milliseconds.

    An answer over SMTP has the last reply's code as its status (250: taken), that reply's lines as its body, and where
    it refuses, a header `smtp-stage` that says what it was the reply to (providers.wire.replies). Without a body the
    method is a command that sends no message, such as NOOP.
    """

    method: str
    url: str
    headers: tuple[str, ...]
    body: bytes
    timeout_ms: int
    connect_timeout_ms: int
    max_answer_bytes: int = DEFAULT_MAX_ANSWER_BYTES
    wants_headers: bool = False
    """All headers of the answer. Off, the answer carries `content-type` and `retry-after` (in seconds) where they
    matter, and the wire is spared one callback per header line."""
    http2: bool = False
    """Many requests share one connection, where the vendor speaks HTTP/2."""
    envelope: Envelope | None = None
    signing: Signing | None = None

    def __repr__(self) -> str:
        """Without header values, path, query and body: they hold credentials (a bot's token is part of its address)
        and personal data."""
        names = ", ".join(header.partition(":")[0] for header in self.headers)
        server = "/".join(self.url.split("/", 3)[:3])
        return f"WireRequest({self.method} {server}, headers=[{names}], body={len(self.body)} bytes)"


class WireAnswer(msgspec.Struct, frozen=True, gc=False):
    """What came back. The pair (left, complete) decides between answered, unknown and not sent."""

    status: int
    """HTTP status; 0 where there is no complete answer."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    left: bool
    """A byte of the request left this host."""
    complete: bool
    error: str | None
    """None, or one of the codes in `providers.wire.errors`."""
    detail: str
    elapsed_ms: float

    def __repr__(self) -> str:
        return (
            f"WireAnswer(status={self.status}, complete={self.complete}, left={self.left}, error={self.error!r},"
            f" body={len(self.body)} bytes)"
        )
