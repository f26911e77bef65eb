"""What a gateway reports: whose call it is, what each report means; and our own signature towards it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from providers.outcomes import Kind
from providers.registry import TRANSPORTS
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.transports.answers import CODES
from providers.transports.gateway import signing
from tests.providers import makers
from tests.providers.makers import GATEWAY, message, settings

TRANSPORT: Any = TRANSPORTS["gateway"]
NOW = dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)
AT = int(NOW.timestamp())
KEY = makers.CANARY
HEARING = {**GATEWAY, "webhook": {"signing_key_env_var": "PRISM_PROVIDER_GATEWAY_KEY"}}
BODY = b'{"messageId": "abc-123", "status": "delivered", "timestamp": "2026-11-21T02:59:58Z", "error": null}'


def signature(body: bytes = BODY, key: str = KEY, at: int = AT) -> str:
    return f"t={at},v1={hmac.new(key.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def called(body: bytes = BODY, given: str | None = None) -> Call:
    headers = {} if given is None else {"x-prism-signature": given}
    return Call("POST", "https://prism.example.com/webhooks/1/status", "status", {}, headers, body, NOW)


def verified(body: bytes = BODY, given: str | None = None, configuration: dict[str, Any] | None = None) -> bool:
    answer: bool = TRANSPORT.verify(settings(configuration or HEARING), called(body, given))
    return answer


def read(*items: Any, **changes: Any) -> list[VendorReport]:
    body = json.dumps(items[0] if len(items) == 1 else items, ensure_ascii=False).encode()
    found: list[VendorReport] = TRANSPORT.read_reports(settings({**HEARING, **changes}), called(body))
    return found


def test_a_call_that_is_signed_with_the_key_is_the_gateways() -> None:
    assert verified(given=signature())
    assert verified(given=signature().replace(",", ", "))
    emoji = '{"text": "Olá 👋"}'.encode()
    assert verified(emoji, signature(emoji))


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        signature(key="another key"),
        signature(BODY + b" "),
        signature().replace("v1=", "v0="),
        signature().partition(",")[0],
        signature().partition(",")[2],
        f"t={AT},v1=é",
        f"t={AT},v1=",
        f"t={AT},v1={'0' * 64}",
        "t=,v1=" + "0" * 64,
        f"t={'9' * 40},v1={'0' * 64}",
        signature(at=AT - 1).replace(f"t={AT - 1}", f"t={AT}"),
    ],
)
def test_a_call_with_another_signature_or_none_is_refused(given: str | None) -> None:
    assert not verified(given=given)


@pytest.mark.parametrize(("seconds", "taken"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_call_that_is_made_again_later_is_refused(seconds: int, taken: bool) -> None:
    assert verified(given=signature(at=AT + seconds)) is taken


def test_one_of_several_signatures_is_enough_while_keys_change() -> None:
    new = signature().partition(",")[2]
    assert verified(given=f"t={AT},v1={'0' * 64},{new}")


def test_without_a_key_nobody_is_believed() -> None:
    assert not verified(given=signature(), configuration=GATEWAY)
    assert not verified(given=signature(key=""), configuration=GATEWAY)
    assert TRANSPORT.greet(settings(HEARING), called()) is None


def test_the_report_of_the_contract_is_understood() -> None:
    (report,) = TRANSPORT.read_reports(settings(HEARING), called())
    assert report == VendorReport(
        kind="delivered",
        meaning=Meaning.DELIVERED,
        message_id="abc-123",
        occurred_at=dt.datetime(2026, 11, 21, 2, 59, 58, tzinfo=dt.UTC),
        payload=BODY,
    )


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("queued", Meaning.ACCEPTED),
        ("sent", Meaning.SENT),
        ("Delivered", Meaning.DELIVERED),
        ("READ", Meaning.READ),
        ("failed", Meaning.FAILED),
        ("undelivered", Meaning.FAILED),
        ("opened", Meaning.ENGAGED),
    ],
)
def test_each_status_has_its_meaning(status: str, meaning: Meaning) -> None:
    (report,) = read({"messageId": "1", "status": status})
    assert (report.meaning, report.kind) == (meaning, status)


@pytest.mark.parametrize(
    ("error", "reason", "sign"),
    [
        ({"code": "opted out", "message": "STOP"}, "OPTED_OUT", Sign.OPTED_OUT),
        ({"code": "INVALID_NUMBER"}, "INVALID_NUMBER", Sign.ADDRESS_DEAD),
        ({"code": "SPAM"}, "SPAM", None),
        ("number of +5511999999999 is full", "VENDOR_ERROR", None),
        (None, "VENDOR_ERROR", None),
        ("gone", "GONE", Sign.ADDRESS_DEAD),
    ],
)
def test_a_failure_tells_its_reason_and_what_it_says_of_the_address(error: Any, reason: str, sign: Sign | None) -> None:
    (report,) = read(
        {"messageId": "1", "status": "failed", "error": error}, error_codes={"recipient_invalid": ["gone"]}
    )
    assert (report.meaning, report.reason, report.sign) == (Meaning.FAILED, reason, sign)


def test_every_code_that_means_the_same_everywhere_does_so_in_reports() -> None:
    for code, kind in CODES.items():
        (report,) = read({"messageId": "1", "status": "failed", "error": code})
        wanted = {Kind.OPTED_OUT: Sign.OPTED_OUT, Kind.RECIPIENT_INVALID: Sign.ADDRESS_DEAD}.get(kind)
        assert (report.reason, report.sign) == (code, wanted)


def test_several_reports_in_one_call_come_in_order_and_what_is_none_is_left_out() -> None:
    inbound = {"from": "+5511988887777", "to": "1", "text": "Oi 👋", "messageId": "in-1"}
    found = read(
        {"messageId": "1", "status": "sent"},
        inbound,
        {"messageId": "1", "status": "odd"},
        7,
        {"id": 2, "status": "read"},
    )
    assert [(one.message_id, one.kind) for one in found] == [("1", "sent"), ("2", "read")]
    assert json.loads(found[0].payload) == {"messageId": "1", "status": "sent"}
    assert read(inbound) == []


def test_a_repeated_key_of_ours_finds_the_message_whose_id_never_came() -> None:
    (report,) = read({"status": "sent", "idempotencyKey": message().dispatch_id})
    assert (report.message_id, report.dispatch_id) == ("", message().dispatch_id)


def test_fields_may_stand_where_the_answers_have_them() -> None:
    fields = {"message_id": "data.id", "status": "data.state", "error": "data.why"}
    odd = {"data": {"id": "9", "state": "failed", "why": "OPTED_OUT"}}
    (first, second) = read(odd, {"messageId": "1", "status": "sent"}, response_fields=fields)
    assert (first.message_id, first.reason) == ("9", "OPTED_OUT")
    assert (second.message_id, second.meaning) == ("1", Meaning.SENT)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2026-11-21T00:00:00-03:00", dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)),
        ("2026-11-21T03:00:00", NOW),
        (AT, NOW),
        ("yesterday", None),
        (10**30, None),
        (True, None),
        ({}, None),
    ],
)
def test_times_are_read_or_left_out(given: Any, wanted: dt.datetime | None) -> None:
    (report,) = read({"messageId": "1", "status": "sent", "timestamp": given})
    assert report.occurred_at == wanted


@pytest.mark.parametrize("body", [b"", b"<html>", b"7", b'"sent"', b"\xff\xfe", b"[" * 100_000, b'{"a": '])
def test_a_body_that_is_no_report_at_all_is_told_so(body: bytes) -> None:
    with pytest.raises(ValueError, match="neither an object nor a list"):
        TRANSPORT.read_reports(settings(HEARING), called(body))


def test_keys_are_redacted_from_what_is_stored() -> None:
    assert KEY.encode() not in TRANSPORT.redact(settings(HEARING), f'{{"echo": "{KEY}"}}'.encode())


def test_our_requests_are_signed_where_that_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: float(AT))
    configuration = {**GATEWAY, "signing": {"key_env_var": "PRISM_PROVIDER_GATEWAY_KEY"}}
    request = TRANSPORT.build(settings(configuration), [message()])
    (line,) = [line for line in request.headers if line.startswith("X-Prism-Signature: ")]
    assert line == f"X-Prism-Signature: {signature(request.body)}"
    assert signing.verify(KEY, {"x-prism-signature": line.partition(": ")[2]}, request.body, AT)
    assert "Signature" not in "".join(TRANSPORT.build(settings(), [message()]).headers)


@pytest.mark.parametrize(("part", "name"), [("webhook", "signing_key"), ("signing", "key")])
def test_a_key_has_exactly_one_source(part: str, name: str) -> None:
    def problems(inner: dict[str, str]) -> list[str]:
        configuration = {**GATEWAY, part: inner}
        return [path for path, _ in validate_configuration("WHATSAPP", configuration, allow_list=makers.ALLOW_LIST)]

    assert problems({f"{name}_secret": "key"}) == []
    assert problems({f"{name}_env_var": "PRISM_PROVIDER_KEY"}) == []
    assert problems({}) == [f"{part}.{name}_env_var"]
    assert problems({f"{name}_secret": "key", f"{name}_env_var": "PRISM_PROVIDER_KEY"}) == [f"{part}.{name}_secret"]
    assert problems({name: "the key itself"})[0].startswith(part)


def test_the_signature_is_no_header_for_the_token() -> None:
    authentication = {"type": "header", "header_name": "X-Prism-Signature", "token_env_var": makers.VARIABLE}
    configuration = {**GATEWAY, "authentication": authentication}
    problems = dict(validate_configuration("WHATSAPP", configuration, allow_list=makers.ALLOW_LIST))
    assert "authentication.header_name" in problems
