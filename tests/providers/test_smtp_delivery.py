"""What a mail server does at each command, and what becomes of the message: built, sent, answered, read."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from providers.messages import Message
from providers.outcomes import Kind
from providers.settings import ProviderSettings
from tests.providers import makers
from tests.providers.delivering import Delivery
from tests.providers.wire.hostile import Hostile
from tests.providers.wire.mail import Answer, Dialogue, closes, hangs, resets


def at(port: int, **changes: Any) -> ProviderSettings:
    server = {"host": "127.0.0.1", "port": port, "security": "none"}
    return makers.settings({"sender": {"email": "no-reply@brand.com"}, "smtp": server, **changes}, "EMAIL")


def mail(**changes: Any) -> Message:
    given = {"to": "ana@example.com", "subject": "Oferta", "body": "Olá", "dispatch_id": str(uuid.uuid4())}
    return makers.message(channel="EMAIL", **{**given, **changes})


@pytest.mark.parametrize(
    ("verb", "fault", "kind", "reason"),
    [
        ("greeting", "421 4.3.2 Busy", Kind.DEFERRED, "UNAVAILABLE"),
        ("greeting", "554 5.7.1 Listed", Kind.CONFIGURATION, "REFUSED_BY_SERVER"),
        ("mail", "550 Who are you?", Kind.CONFIGURATION, "SENDER_REFUSED"),
        ("rcpt", "550 No such user", Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
        ("rcpt", "451 4.7.1 Greylisted", Kind.DEFERRED, "GREYLISTED"),
        ("end", "550 Looks like spam", Kind.REJECTED, "REFUSED_BY_POLICY"),
        ("rcpt", resets, Kind.NOT_SENT, "RESET"),
        ("data", closes, Kind.NOT_SENT, "RESET"),
        ("end", resets, Kind.UNKNOWN, "RESET"),
        ("end", closes, Kind.UNKNOWN, "RESET"),
        ("end", hangs, Kind.UNKNOWN, "TIMEOUT"),
    ],
)
def test_what_the_server_does_is_what_becomes_of_the_message(
    verb: str, fault: Answer | Callable[..., None], kind: Kind, reason: str
) -> None:
    with Delivery() as delivery, Hostile(Dialogue(**{verb: fault})) as server:
        (outcome,) = delivery.deliver(at(server.port, timeout_ms=600, connect_timeout_ms=600), [mail()])
    assert (outcome.kind, outcome.reason) == (kind, reason), outcome
