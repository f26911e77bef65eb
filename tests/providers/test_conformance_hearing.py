"""What every vendor that calls us must hold to: whose calls are believed, and what is read from them.

The calls are made by the simulator, which signs as the vendor does; tests/providers/vendors says with what.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.registry import TRANSPORTS
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks.call import DELIVERED, FAILED, OPTED_OUT, READ, SENT
from providers.settings import ProviderSettings
from providers.transports import Hearing, Transport
from tests.providers import declarations, makers

VENDORS = sorted(vendor for vendor, transport in TRANSPORTS.items() if isinstance(transport, Hearing))
NOW = time.time()
DISPATCH = makers.PLAIN.dispatch_id
REPORT = Report(DISPATCH, DELIVERED, NOW, to="5511988887777", dispatch_id=DISPATCH, text="não há 🙈")
MEANINGS = {SENT: Meaning.SENT, DELIVERED: Meaning.DELIVERED, READ: Meaning.READ, FAILED: Meaning.FAILED}


class Caller:
    """One vendor's calls to one provider."""

    def __init__(self, vendor: str) -> None:
        declared = declarations.of(vendor)
        module: Any = makers.of_vendor(vendor)
        hearing = getattr(module, "hearing", lambda: declared.simulated("http://127.0.0.1:1"))
        self.settings = declared.resolved(hearing())
        transport: Transport = TRANSPORTS[vendor]
        assert isinstance(transport, Hearing)
        self.transport: Hearing = transport
        self.make: Callable[..., Callback] = module.heard
        self.tells: set[str] = set(getattr(module, "TELLS", (SENT, DELIVERED, READ, FAILED, OPTED_OUT)))
        self.signs_body: bool = getattr(module, "SIGNS_BODY", True)
        self.signs_with_ours: bool = getattr(module, "SIGNS_WITH_OURS", True)
        self.knows_time: bool = getattr(module, "KNOWS_TIME", False)

    @property
    def report(self) -> Report:
        return REPORT if DELIVERED in self.tells else REPORT._replace(status=min(self.tells))

    def callback(self, report: Report | None = None, settings: ProviderSettings | None = None) -> Callback:
        return self.make(settings or self.settings, report or self.report, NOW)

    def verifies(self, callback: Callback, **changes: Any) -> bool:
        return self.transport.verify(self.settings, call_of(self.settings, callback, **changes))

    def read(self, callback: Callback) -> list[VendorReport]:
        return self.transport.read_reports(self.settings, call_of(self.settings, callback))


def call_of(settings: ProviderSettings, callback: Callback, after_s: float = 0.0) -> Call:
    """As the door hands it on."""
    parts = urlsplit(callback.url)
    return Call(
        method=callback.method,
        url=callback.url,
        path=callback.url.removeprefix(settings.webhook_url).partition("?")[0].strip("/"),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in callback.headers.items()},
        body=callback.body,
        received_at=dt.datetime.fromtimestamp(NOW + after_s, dt.UTC),
    )


@pytest.fixture(params=VENDORS)
def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


def test_a_call_of_the_vendor_is_believed(caller: Caller) -> None:
    assert caller.verifies(caller.callback())


def test_a_call_of_somebody_else_is_not(caller: Caller) -> None:
    genuine = caller.callback()
    assert not caller.verifies(genuine.forged())
    assert not caller.verifies(genuine.without(*(set(genuine.headers) - {"Content-Type"})))
    assert not caller.verifies(genuine._replace(headers=dict.fromkeys(genuine.headers, "")))
    assert not caller.verifies(genuine._replace(headers=dict.fromkeys(genuine.headers, "é🙈�")))
    for secret in () if not caller.signs_with_ours else ("", "another secret", makers.CANARY[:-1], makers.CANARY + "x"):
        others = msgspec.structs.replace(
            caller.settings,
            credentials=dict.fromkeys(caller.settings.credentials, secret),
            webhook_token=secret,
        )
        try:
            made = caller.callback(settings=others)
        except ValueError:
            continue  # nothing can be signed with that
        assert not caller.verifies(made) or made == genuine, secret


def test_nobody_is_believed_where_no_secret_is_known(caller: Caller) -> None:
    bare = msgspec.structs.replace(caller.settings, credentials={}, webhook_token="")
    known = dict(caller.settings.configuration)
    for part in ("webhook", "event_webhook"):
        known.pop(part, None)
    bare = msgspec.structs.replace(bare, configuration=known)
    genuine = caller.callback()
    assert not caller.transport.verify(bare, call_of(caller.settings, genuine))
    emptied = genuine._replace(headers=dict.fromkeys(genuine.headers, ""))
    assert not caller.transport.verify(bare, call_of(caller.settings, emptied))


def test_a_body_that_was_changed_is_not_believed(caller: Caller) -> None:
    if caller.signs_body:
        genuine = caller.callback()
        assert not caller.verifies(genuine.tampered())
        assert not caller.verifies(genuine._replace(body=genuine.body[:-1]))
        assert not caller.verifies(genuine._replace(body=genuine.body + b"\n&x=1"))


def test_a_body_is_judged_as_it_came_and_not_as_it_would_be_written_again(caller: Caller) -> None:
    genuine = caller.callback()
    if not caller.signs_body or "json" not in genuine.headers["Content-Type"]:
        return
    again = json.dumps(json.loads(genuine.body), ensure_ascii=True).encode()
    assert again != genuine.body
    assert not caller.verifies(genuine._replace(body=again))


def test_an_old_call_is_not_believed_where_the_vendor_signs_its_time(caller: Caller) -> None:
    genuine = caller.callback()
    assert caller.verifies(genuine, after_s=60)
    assert caller.verifies(genuine, after_s=48 * 3600) is not caller.knows_time


def test_a_call_that_comes_twice_is_the_same_report_twice(caller: Caller) -> None:
    first, second = caller.read(caller.callback()), caller.read(caller.callback())
    assert first == second
    assert first


@pytest.mark.parametrize("status", MEANINGS)
def test_every_status_has_its_meaning_however_they_are_ordered(caller: Caller, status: str) -> None:
    if status not in caller.tells:
        return
    (report,) = caller.read(caller.callback(REPORT._replace(status=status)))
    assert report.meaning is MEANINGS[status]
    assert DISPATCH in (report.message_id, report.dispatch_id)
    assert report.kind
    assert len(report.reason) <= 50
    assert bool(report.reason) == (status == FAILED), report.reason
    assert report.reason == report.reason.upper()
    assert report.occurred_at is None or report.occurred_at.tzinfo is not None


def test_who_wants_no_more_messages_is_a_sign(caller: Caller) -> None:
    if OPTED_OUT not in caller.tells:
        return
    (report,) = caller.read(caller.callback(REPORT._replace(status=OPTED_OUT, text="")))
    assert report.sign is Sign.OPTED_OUT
    assert report.message_id or report.address


def test_nothing_secret_is_stored_or_shown_of_a_call(caller: Caller) -> None:
    settings = caller.settings
    genuine = caller.callback()
    body = genuine.body.replace(b"5511988887777", makers.CANARY.encode())
    shown = caller.transport.redact(settings, body)
    for secret in (*settings.credentials.values(), settings.webhook_token):
        assert not secret or secret.encode() not in shown
    for secret in settings.credentials.values():
        header = b64encode(f"user:{secret}".encode())
        for form in (quote(secret, safe=""), header.decode(), quote(header, safe="")):
            for echoed in (f"a=1&echo={form}&b=2", f'{{"echo":"{form}', f'{{"echo":"{form[: -len(form) // 3]}'):
                kept = unquote(caller.transport.redact(settings, echoed.encode()).decode())
                assert secret[:8] not in kept
                assert header.decode()[12:24] not in kept
    call = call_of(settings, genuine)
    for secret in (*settings.credentials.values(), settings.webhook_token, "5511988887777"):
        assert not secret or secret not in repr(call)
    for report in caller.read(genuine):
        assert makers.CANARY not in repr(report)


def test_a_stranger_is_not_greeted(caller: Caller) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "guess", "hub.challenge": "7"}
    for query in ({}, asked, {**asked, "hub.verify_token": ""}):
        call = msgspec.structs.replace(
            call_of(caller.settings, caller.callback()), method="GET", query=query, headers={}, body=b""
        )
        assert caller.transport.greet(caller.settings, call) is None


@pytest.mark.parametrize("vendor", VENDORS)
@given(data=st.data())
def test_any_body_is_read_or_refused_and_breaks_nothing(vendor: str, data: st.DataObject) -> None:
    """A vendor's own calls may have parts that nobody here has heard of."""
    caller = Caller(vendor)
    genuine = caller.callback()
    body = data.draw(st.binary(max_size=60) | mutated(genuine.body))
    shown = caller.transport.redact(caller.settings, body)
    assert isinstance(shown, bytes)
    try:
        reports = caller.read(genuine._replace(body=body))
    except ValueError:
        return
    for report in reports:
        assert isinstance(report.meaning, Meaning)
        assert len(report.reason) <= 50
        assert "\x00" not in report.message_id + report.dispatch_id + report.event_id


def mutated(body: bytes) -> st.SearchStrategy[bytes]:
    """The genuine body with a piece of it replaced."""
    pieces = st.sampled_from([b"", b"null", b"[]", b"{}", b"1e999", b'"\\u0000"', b"-1", b"true", b"\xff", b"[" * 3000])
    places = st.tuples(st.integers(0, len(body)), st.integers(0, 30), pieces)
    return places.map(lambda place: body[: place[0]] + place[2] + body[place[0] + place[1] :])
