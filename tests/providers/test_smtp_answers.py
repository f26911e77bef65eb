"""What each reply of a mail server means, and what SendGrid's relay reports later."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest

from providers.messages import NO_HEADERS
from providers.outcomes import Kind, Outcome
from providers.registry import TRANSPORTS
from providers.reporting import Call, Meaning
from providers.transports import Checkable, Hearing
from tests.providers import makers
from tests.providers.makers import answer, message, settings
from tests.providers.test_smtp import PLAIN, SEED

TRANSPORT = TRANSPORTS["smtp"]
TABLE = [
    # stage, reply, kind, reason
    ("message", "250 2.0.0 Ok: queued as Q1", Kind.ACCEPTED, ""),
    ("message", "251 2.1.5 Forwarded", Kind.ACCEPTED, ""),
    ("connect", "421 4.3.2 Too many connections", Kind.DEFERRED, "UNAVAILABLE"),
    ("connect", "421 4.7.1 Too many connections from you", Kind.DEFERRED, "UNAVAILABLE"),
    ("connect", "554 5.7.1 Your address is listed", Kind.CONFIGURATION, "REFUSED_BY_SERVER"),
    ("connect", "454 4.7.0 TLS not available", Kind.DEFERRED, "UNAVAILABLE"),
    ("auth", "535 5.7.8 Bad credentials", Kind.CONFIGURATION, "UNAUTHORIZED"),
    ("auth", "535 Authentication failed", Kind.CONFIGURATION, "UNAUTHORIZED"),
    ("auth", "454 4.7.0 Temporary authentication failure", Kind.DEFERRED, "UNAVAILABLE"),
    ("auth", "501 Cannot decode", Kind.CONFIGURATION, "UNAUTHORIZED"),
    ("mail", "530 5.7.0 Authentication required", Kind.CONFIGURATION, "UNAUTHORIZED"),
    ("mail", "530 Authentication required", Kind.CONFIGURATION, "UNAUTHORIZED"),
    ("mail", "550 5.1.8 Sender's domain does not exist", Kind.CONFIGURATION, "SENDER_REFUSED"),
    ("mail", "550 Sender refused", Kind.CONFIGURATION, "SENDER_REFUSED"),
    ("mail", "552 Message size exceeds fixed limit", Kind.REJECTED, "CONTENT_TOO_LONG"),
    ("rcpt", "450 4.2.1 Mailbox busy", Kind.DEFERRED, "MAILBOX_BUSY"),
    ("rcpt", "450 4.7.1 Try again later", Kind.DEFERRED, "GREYLISTED"),
    ("rcpt", "451 Greylisted, come back", Kind.DEFERRED, "GREYLISTED"),
    ("rcpt", "451 Local error", Kind.DEFERRED, "SERVER_ERROR"),
    ("rcpt", "452 4.3.1 No space", Kind.DEFERRED, "SERVER_FULL"),
    ("rcpt", "499 Odd", Kind.DEFERRED, "SMTP_499"),
    ("rcpt", "550 5.1.1 No such user", Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
    ("rcpt", "550-5.1.1 The mailbox\r\n550 5.1.1 does not exist", Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
    ("rcpt", "550 No such user", Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
    ("rcpt", "551 5.1.6 Moved", Kind.RECIPIENT_INVALID, "MAILBOX_MOVED"),
    ("rcpt", "551 Not here", Kind.RECIPIENT_INVALID, "MAILBOX_MOVED"),
    ("rcpt", "553 Bad name", Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
    ("rcpt", "550 5.1.2 No such domain", Kind.RECIPIENT_INVALID, "DOMAIN_UNKNOWN"),
    ("rcpt", "556 5.1.10 Takes no mail", Kind.RECIPIENT_INVALID, "DOMAIN_TAKES_NO_MAIL"),
    ("rcpt", "550 5.2.1 Disabled", Kind.RECIPIENT_INVALID, "MAILBOX_DISABLED"),
    ("rcpt", "552 5.2.2 Over quota", Kind.DEFERRED, "MAILBOX_FULL"),
    ("rcpt", "552 Mailbox full", Kind.DEFERRED, "MAILBOX_FULL"),
    ("rcpt", "550 5.7.1 Relaying denied", Kind.REJECTED, "REFUSED_BY_POLICY"),
    ("rcpt", "554 5.7.1 Blocked", Kind.REJECTED, "REFUSED_BY_POLICY"),
    ("rcpt", "503 Bad sequence", Kind.REJECTED, "SMTP_503"),
    ("data", "554 No valid recipients", Kind.REJECTED, "REFUSED_BY_POLICY"),
    ("message", "550 5.7.26 Unauthenticated mail", Kind.REJECTED, "REFUSED_BY_POLICY"),
    ("message", "550 Spam", Kind.REJECTED, "REFUSED_BY_POLICY"),
    ("message", "554 Transaction failed", Kind.REJECTED, "REFUSED_BY_POLICY"),
    ("message", "552 5.3.4 Too big", Kind.REJECTED, "CONTENT_TOO_LONG"),
    ("message", "550 5.1.1 No such user", Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
    (
        "message",
        "550 The from address does not match a verified Sender Identity.",
        Kind.CONFIGURATION,
        "SENDER_REFUSED",
    ),
]


def parse(reply: str, stage: str = "", configuration: dict[str, object] = PLAIN) -> Outcome:
    headers = {"smtp-stage": stage} if stage else NO_HEADERS
    given = answer(int(reply[:3]), reply.encode() + b"\r\n", headers)
    (outcome,) = TRANSPORT.parse(settings(configuration, "EMAIL"), [message()], given)
    return outcome


@pytest.mark.parametrize(("stage", "reply", "kind", "reason"), TABLE)
def test_each_reply_has_its_outcome(stage: str, reply: str, kind: Kind, reason: str) -> None:
    outcome = parse(reply, stage)
    assert (outcome.kind, outcome.reason) == (kind, reason)


def test_the_servers_words_are_kept_without_their_codes() -> None:
    outcome = parse("550-5.1.1 The mailbox\r\n550 5.1.1 does not exist", "rcpt")
    assert outcome.error == "The mailbox does not exist"


def test_a_greylisting_server_and_a_full_mailbox_get_time() -> None:
    assert parse("451 4.7.1 Greylisted", "rcpt").retry_after == 900
    assert parse("552 5.2.2 Full", "rcpt").retry_after == 3600
    assert parse("421 Busy", "connect").retry_after is None


def test_the_id_is_ours_and_at_sendgrid_theirs() -> None:
    reply = "250 Ok: queued as zX9-Q_1aB"
    assert parse(reply).message_id == "<0198f3a0-0000-7000-8000-000000000001@brand.com>"
    assert parse(reply, configuration=SEED).message_id == "zX9-Q_1aB"
    assert parse("250 Ok", configuration=SEED).message_id == "<0198f3a0-0000-7000-8000-000000000001@ifood.com.br>"


def test_a_password_that_the_server_repeats_is_kept_nowhere() -> None:
    for reply in (f"535 bad {makers.CANARY}", f"250 Ok: queued as {makers.CANARY}"):
        outcome = parse(reply, "auth", SEED)
        told = json.dumps([outcome.error, outcome.response, outcome.message_id])
        assert makers.CANARY not in told


def test_a_login_that_the_server_repeats_is_kept_nowhere() -> None:
    assert isinstance(TRANSPORT, Checkable)
    own = settings(SEED, "EMAIL")
    for login in (f"\0apikey\0{makers.CANARY}", makers.CANARY):
        said = base64.b64encode(login.encode()).decode()
        reply = answer(500, f'500 5.5.1 Command unrecognized: "{said}"'.encode(), {"smtp-stage": "auth"})
        (outcome,) = TRANSPORT.parse(own, [message(to="ana@example.com")], reply)
        assert said not in json.dumps([outcome.error, outcome.response])
        assert said not in TRANSPORT.read_health(own, reply).detail


@pytest.mark.parametrize(
    ("stage", "reply", "ok", "code"),
    [
        ("", "250 Ok", True, "OK"),
        ("auth", "535 5.7.8 No", False, "UNAUTHORIZED"),
        ("connect", "554 Go away", False, "FORBIDDEN"),
        ("connect", "421 Busy", False, "VENDOR_ERROR"),
        ("command", "502 Not implemented", False, "VENDOR_ERROR"),
    ],
)
def test_health_is_read_from_the_reply(stage: str, reply: str, ok: bool, code: str) -> None:
    assert isinstance(TRANSPORT, Checkable)
    verdict = TRANSPORT.read_health(
        settings(PLAIN, "EMAIL"), answer(int(reply[:3]), reply.encode(), {"smtp-stage": stage})
    )
    assert (verdict.ok, verdict.code) == (ok, code)
    assert verdict.detail.startswith(f"SMTP {reply[:3]}: ")


def call(body: bytes) -> Call:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    return Call("POST", "https://prism.example/webhooks/x", "", {}, {}, body, now)


def test_sendgrids_events_find_the_dispatch_and_only_its_calls_are_believed() -> None:
    assert isinstance(TRANSPORT, Hearing)
    body = b'[{"email":"a@b.com","event":"delivered","timestamp":1761000000,"sg_event_id":"e","dispatch":"d-1"}]'
    (report,) = TRANSPORT.read_reports(settings(SEED, "EMAIL"), call(body))
    assert (report.meaning, report.dispatch_id) == (Meaning.DELIVERED, "d-1")
    for configuration in (SEED, PLAIN):
        assert not TRANSPORT.verify(settings(configuration, "EMAIL"), call(body))
