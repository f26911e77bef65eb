"""Twilio: what goes out for every key of its configuration, and what each answer and each call of its means."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from providers import verdicts
from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Unsendable, twilio
from tests.providers import makers
from tests.providers.makers import answer, message

TRANSPORT = twilio.transport
SID = "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
HOOK = "https://prism.example.com/webhooks/0198f3a0-0000-7000-8000-00000000000a"
DISPATCH = message().dispatch_id


def settings(changes: dict[str, Any] | None = None, provider_type: str = "SMS", hook: str = HOOK) -> ProviderSettings:
    """The seed's configuration; a change to None takes the key away."""
    configuration = {**TRANSPORT.example, **(changes or {})}
    configuration = {key: value for key, value in configuration.items() if value is not None}
    return msgspec.structs.replace(makers.settings(configuration, provider_type), webhook_url=hook)


def build(
    changes: dict[str, Any] | None = None, provider_type: str = "SMS", hook: str = HOOK, **fields: Any
) -> WireRequest:
    return TRANSPORT.build(settings(changes, provider_type, hook), [message(**fields)])


def form(request: WireRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)


def parse(status: int, body: Any, **headers: str) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = answer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})
    (outcome,) = TRANSPORT.parse(settings(), [message()], given)
    return outcome


def test_a_message_of_the_seed_s_provider_goes_out_byte_by_byte_so() -> None:
    request = build(body="Olá Ana & você")
    assert request.method == "POST"
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"
    credential = base64.b64encode(f"{SID}:{makers.CANARY}".encode()).decode()
    assert request.headers == (
        "Content-Type: application/x-www-form-urlencoded",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        f"Authorization: Basic {credential}",
    )
    assert request.body == (
        b"To=%2B5511988887777&From=%2B5511999999999&MessagingServiceSid=MGxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        b"&Body=Ol%C3%A1+Ana+%26+voc%C3%AA"
        b"&StatusCallback=https%3A%2F%2Fprism.example.com%2Fwebhooks%2F0198f3a0-0000-7000-8000-00000000000a%2Fstatus"
        b"%3Fdispatch%3D0198f3a0-0000-7000-8000-000000000001&ShortenUrls=true"
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sender_id": "Prism"}, ("From", "Prism")),
        ({"messaging_service_sid": "MG" + "0" * 32}, ("MessagingServiceSid", "MG" + "0" * 32)),
        ({"max_price": "0.50"}, ("MaxPrice", "0.50")),
        ({"validity_period_s": 600}, ("ValidityPeriod", "600")),
        ({"features": {"short_urls": True}}, ("ShortenUrls", "true")),
        ({"features": {}}, ("StatusCallback", f"{HOOK}/status?dispatch={DISPATCH}")),
    ],
)
def test_each_key_changes_its_field(changes: dict[str, Any], field: tuple[str, str]) -> None:
    assert field in form(build(changes))


def test_what_is_not_asked_for_is_left_out() -> None:
    names = [name for name, _value in form(build({"features": None, "messaging_service_sid": None}, hook=""))]
    assert names == ["To", "From", "Body"]


def test_without_delivery_receipts_or_a_public_address_twilio_is_told_of_no_callback() -> None:
    quiet = {"features": {"delivery_receipts": False}}
    assert "StatusCallback" not in dict(form(build(quiet)))
    assert "StatusCallback" not in dict(form(build(hook="")))
    assert TRANSPORT.awaits_reports(settings())
    assert not TRANSPORT.awaits_reports(settings(quiet))
    assert not TRANSPORT.awaits_reports(settings(hook=""))


def test_the_address_and_an_api_key_can_be_others() -> None:
    key = {"api_key_sid": "SK" + "1" * 32, "api_key_env_var": makers.VARIABLE, "api_url": "https://twilio.example/v/"}
    request = build(key)
    assert request.url == f"https://twilio.example/v/Accounts/{SID}/Messages.json"
    credential = base64.b64encode(f"SK{'1' * 32}:{makers.CANARY}".encode()).decode()
    assert f"Authorization: Basic {credential}" in request.headers


def test_the_time_outs_of_the_configuration_reach_the_wire() -> None:
    request = build({"timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


@pytest.mark.parametrize("to", ["11 98888-7777", "+55 (11) 98888-7777", "005511988887777", "5511988887777"])
def test_a_number_goes_out_in_one_spelling(to: str) -> None:
    assert dict(form(build(to=to)))["To"] == "+5511988887777"


@pytest.mark.parametrize("sender", ["+5511999999999", "whatsapp:+5511999999999", "5511999999999"])
def test_whatsapp_has_its_own_addresses(sender: str) -> None:
    fields = dict(form(build({"sender_id": sender}, "WHATSAPP")))
    assert (fields["To"], fields["From"]) == ("whatsapp:+5511988887777", "whatsapp:+5511999999999")


@pytest.mark.parametrize("to", ["", "ana@example.com", "12", "not a number"])
def test_what_is_no_number_is_refused_without_a_request(to: str) -> None:
    with pytest.raises(Unsendable) as refused:
        build(to=to)
    assert (refused.value.kind, refused.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_NUMBER")


def test_a_text_longer_than_the_limit_is_refused_without_a_request() -> None:
    assert dict(form(build(body="á" * 160)))["Body"] == "á" * 160
    for changes, length in ((None, 161), ({"features": {"character_limit": 5}}, 6), ({"features": {}}, 1601)):
        with pytest.raises(Unsendable) as refused:
            build(changes, body="a" * length)
        assert (refused.value.kind, refused.value.reason) == (Kind.REJECTED, "CONTENT_TOO_LONG")
        assert str(length) in refused.value.error


def test_media_go_by_their_address_with_or_without_a_text() -> None:
    url = "https://cdn.example.com/a.png?x=1&y=2"
    assert dict(form(build(media_url=url, body="Olá")))["MediaUrl"] == url
    assert "Body" not in dict(form(build(media_url=url, body="")))


TEMPLATES = {"content_templates": {"tpl_offer": "HX" + "0" * 32}}
VALUES: dict[str, Any] = {
    "template_code": "tpl_offer",
    "variables": {"nome": "Ana", "valor": "10"},
    "placeholders": ("valor", "nome"),
}


def test_a_content_template_replaces_the_text_with_its_variables_in_places() -> None:
    fields = dict(form(build(TEMPLATES, "WHATSAPP", **VALUES)))
    assert fields["ContentSid"] == "HX" + "0" * 32
    assert json.loads(fields["ContentVariables"]) == {"1": "10", "2": "Ana"}
    assert "Body" not in fields
    assert "ContentVariables" not in dict(form(build(TEMPLATES, "WHATSAPP", template_code="tpl_offer")))


def test_a_content_template_s_variables_can_go_by_name_and_other_templates_by_their_text() -> None:
    by_name = dict(form(build({**TEMPLATES, "content_variables": "name"}, "WHATSAPP", **VALUES)))
    assert json.loads(by_name["ContentVariables"]) == {"nome": "Ana", "valor": "10"}
    assert dict(form(build(TEMPLATES, "WHATSAPP", template_code="tpl_other")))["Body"] == "Olá Ana"


@pytest.mark.parametrize(
    ("changes", "provider_type", "path"),
    [
        ({"auth_token_env_var": None}, "SMS", "auth_token_env_var"),
        ({"auth_token_secret": "mine"}, "SMS", "auth_token_secret"),
        ({"sender_id": None}, "SMS", "sender_id"),
        ({"account_sid": None}, "SMS", "account_sid"),
        ({"account_sid": "SK" + "0" * 32}, "SMS", "account_sid"),
        ({"sender_id": "A name too long"}, "SMS", "sender_id"),
        ({"sender_id": "whatsapp:+5511999999999"}, "SMS", "sender_id"),
        ({"sender_id": "Prism"}, "WHATSAPP", "sender_id"),
        ({"messaging_service_sid": None}, "SMS", "features.short_urls"),
        ({"features": {"character_limit": 1601}}, "SMS", "features.character_limit"),
        ({"api_key_sid": "SK" + "0" * 32}, "SMS", "api_key_env_var"),
        ({"api_key_env_var": makers.VARIABLE}, "SMS", "api_key_sid"),
        ({"content_variables": "name"}, "SMS", "content_variables"),
        ({"content_templates": {"tpl": "MG1"}}, "SMS", "content_templates.tpl"),
        ({"max_price": "cheap"}, "SMS", "max_price"),
        ({"idempotent": True}, "SMS", "idempotent"),
        ({}, "EMAIL", "provider_vendor"),
    ],
)
def test_what_cannot_work_is_refused_with_its_path(changes: dict[str, Any], provider_type: str, path: str) -> None:
    found = validate_configuration(
        provider_type, settings(changes).configuration, allow_list=makers.ALLOW_LIST, allow_private=False
    )
    assert path in dict(found)


@pytest.mark.parametrize("changes", [{}, {"auth_token_env_var": None, "auth_token_secret": "mine"}, TEMPLATES])
@pytest.mark.parametrize("provider_type", ["SMS", "WHATSAPP"])
def test_the_seed_s_example_is_taken_for_both_types(changes: dict[str, Any], provider_type: str) -> None:
    configuration = settings(changes).configuration
    assert validate_configuration(provider_type, configuration, allow_list=makers.ALLOW_LIST) == []


def test_a_created_message_is_accepted_by_its_sid() -> None:
    body = {"sid": "SM" + "0" * 32, "status": "queued", "error_code": None, "error_message": None}
    assert parse(201, body) == Outcome(Kind.ACCEPTED, message_id="SM" + "0" * 32, response=body)
    assert parse(201, {"status": "queued"}).kind is Kind.UNKNOWN
    assert parse(201, {"sid": "SM1", "status": ["failed"]}).kind is Kind.ACCEPTED
    assert parse(201, b"<html>").reason == "NO_MESSAGE_ID"
    failed = parse(201, {"sid": "SM1", "status": "failed", "error_code": 21610})
    assert (failed.kind, failed.reason) == (Kind.OPTED_OUT, "OPTED_OUT")
    assert parse(201, {"sid": "SM1", "status": "failed", "error_code": None}).kind is not Kind.ACCEPTED


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason", "wait"),
    [
        (429, 20429, Kind.DEFERRED, "RATE_LIMITED", None),
        (400, 21611, Kind.DEFERRED, "QUEUE_FULL", None),
        (400, 30022, Kind.DEFERRED, "RATE_LIMITED", None),
        (429, 63038, Kind.DEFERRED, "DAILY_LIMIT", 86400),
        (400, 21612, Kind.DEFERRED, "UNREACHABLE", 7200),
        (400, 21610, Kind.OPTED_OUT, "OPTED_OUT", None),
        (400, 21211, Kind.RECIPIENT_INVALID, "INVALID_NUMBER", None),
        (400, 21614, Kind.RECIPIENT_INVALID, "NOT_A_MOBILE", None),
        (400, 30005, Kind.RECIPIENT_INVALID, "UNKNOWN_NUMBER", None),
        (400, 63003, Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP", None),
        (400, 21617, Kind.REJECTED, "CONTENT_TOO_LONG", None),
        (400, 63016, Kind.REJECTED, "OUTSIDE_WINDOW", None),
        (400, 30007, Kind.REJECTED, "FILTERED", None),
        (400, 21408, Kind.REJECTED, "REGION_NOT_ENABLED", None),
        (400, 21606, Kind.CONFIGURATION, "SENDER_INVALID", None),
        (400, 21608, Kind.REJECTED, "TRIAL_ACCOUNT", None),
        (401, 20003, Kind.CONFIGURATION, "UNAUTHORIZED", None),
        (404, 20404, Kind.CONFIGURATION, "ACCOUNT_NOT_FOUND", None),
        (400, 99999, Kind.REJECTED, "TWILIO_99999", None),
        (429, 14107, Kind.DEFERRED, "RATE_LIMITED", None),
        (403, 77777, Kind.CONFIGURATION, "FORBIDDEN", None),
        (500, 20500, Kind.UNKNOWN, "HTTP_500", None),
        (503, 20503, Kind.UNKNOWN, "UNAVAILABLE", None),
        (400, None, Kind.REJECTED, "HTTP_400", None),
        (400, True, Kind.REJECTED, "HTTP_400", None),
        (404, "x", Kind.CONFIGURATION, "ACCOUNT_NOT_FOUND", None),
    ],
)
def test_each_code_means_one_outcome(status: int, code: Any, kind: Kind, reason: str, wait: float | None) -> None:
    outcome = parse(status, {"code": code, "message": "No.", "more_info": "https://www.twilio.com/docs", "status": 400})
    assert (outcome.kind, outcome.reason, outcome.retry_after) == (kind, reason, wait)
    assert (outcome.error or "").endswith("No.")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_an_error_of_theirs_nobody_knows_what_became_of_the_message(status: int) -> None:
    assert parse(status, b"<html>no").kind is Kind.UNKNOWN


def test_a_wait_that_twilio_asks_for_is_kept() -> None:
    assert parse(429, {"code": 20429, "message": "slow"}, retry_after="3").retry_after == 3
    assert parse(429, b"<html>", retry_after="4").retry_after == 4


def test_neither_the_token_nor_its_header_is_kept_of_an_answer() -> None:
    header = base64.b64encode(f"{SID}:{makers.CANARY}".encode()).decode()
    for status in (201, 400, 401, 500):
        for text in (makers.CANARY, header):
            shown = repr(parse(status, {"code": 1, "message": f"bad {text}", "sid": text}))
            assert makers.CANARY not in shown
            assert header not in shown


def test_health_is_the_account_s_own_word() -> None:
    request = TRANSPORT.health_request(settings())
    assert request is not None
    assert (request.method, request.url) == ("GET", f"https://api.twilio.com/2010-04-01/Accounts/{SID}.json")
    assert any(line.startswith("Authorization: Basic ") for line in request.headers)
    read = TRANSPORT.read_health
    assert read(settings(), answer(200, b'{"status":"active"}')).ok
    suspended = read(settings(), answer(200, b'{"status":"suspended"}'))
    assert (suspended.ok, suspended.code) == (False, verdicts.FORBIDDEN)
    assert read(settings(), answer(401, b'{"code":20003}')).code == verdicts.UNAUTHORIZED
    sent = next(line for line in request.headers if line.startswith("Authorization: Basic ")).rpartition(" ")[2]
    assert sent not in read(settings(), answer(400, f'{{"seen":"Basic {sent}"}}'.encode())).detail


def call(
    fields: dict[str, str] | bytes,
    signature: str | None = None,
    url: str = f"{HOOK}/status?dispatch={DISPATCH}",
    content_type: str = "application/x-www-form-urlencoded; charset=UTF-8",
) -> Call:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    if signature is None:
        signature = RequestValidator(makers.CANARY).compute_signature(
            url, fields if isinstance(fields, dict) else dict(parse_qsl(body.decode(), keep_blank_values=True))
        )
    return Call(
        method="POST",
        url=url,
        path="status",
        query=dict(parse_qsl(url.partition("?")[2])),
        headers={"content-type": content_type, "x-twilio-signature": signature},
        body=body,
        received_at=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    )


def test_a_call_that_nobody_can_read_is_told() -> None:
    for body in (b"[" * 100_000, b"{", b"\xff"):
        with pytest.raises(ValueError):  # noqa: PT011 - what the protocol names
            TRANSPORT.read_reports(settings(), call(body, "x", content_type="application/json"))


DELIVERED = {
    "MessageSid": "SM" + "0" * 32,
    "MessageStatus": "delivered",
    "To": "+5511988887777",
    "From": "+5511999999999",
    "AccountSid": SID,
    "EmptyField": "",
    "Body": "Olá 👋 + & =",
}


def test_a_call_that_twilio_s_own_library_signed_is_theirs() -> None:
    assert TRANSPORT.verify(settings(), call(DELIVERED))
    without_port = RequestValidator(makers.CANARY).compute_signature(f"{HOOK}/status", DELIVERED)
    with_port = RequestValidator(makers.CANARY).compute_signature(
        f"{HOOK}/status".replace("example.com", "example.com:443"), DELIVERED
    )
    for signature in (without_port, with_port):
        assert TRANSPORT.verify(settings(), call(DELIVERED, signature, url=f"{HOOK}/status"))


def test_what_is_signed_here_is_what_twilio_s_own_library_would_take() -> None:
    """The same bytes by hand: HMAC-SHA1 over the address and the sorted fields."""
    text = f"{HOOK}/status?dispatch={DISPATCH}" + "".join(name + DELIVERED[name] for name in sorted(DELIVERED))
    by_hand = base64.b64encode(hmac.new(makers.CANARY.encode(), text.encode(), hashlib.sha1).digest()).decode()
    given = call(DELIVERED, by_hand)
    assert RequestValidator(makers.CANARY).validate(given.url, DELIVERED, by_hand)
    assert TRANSPORT.verify(settings(), given)


def test_a_json_body_is_named_by_its_digest_in_the_signed_address() -> None:
    body = '{"MessageSid":"SM1","MessageStatus":"read","Body":"olá 👋"}'.encode()
    url = f"{HOOK}/status?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator(makers.CANARY).compute_signature(url, {})
    good = call(body, signature, url, "application/json")
    assert RequestValidator(makers.CANARY).validate(url, body.decode(), signature)
    assert TRANSPORT.verify(settings(), good)
    assert TRANSPORT.read_reports(settings(), good)[0].meaning is Meaning.READ
    assert not TRANSPORT.verify(settings(), call(body + b" ", signature, url, "application/json"))


def test_a_call_that_is_not_twilio_s_is_refused() -> None:
    good = call(DELIVERED)
    replace = msgspec.structs.replace
    wrong = [
        replace(good, headers={**good.headers, "x-twilio-signature": ""}),
        replace(good, headers={"content-type": good.headers["content-type"]}),
        replace(good, headers={**good.headers, "x-twilio-signature": "ação"}),
        replace(good, body=good.body + b"&ErrorCode=21610"),
        replace(good, body=good.body.replace(b"delivered", b"failed")),
        replace(good, body=b"\xff\xfe"),
        replace(good, url=good.url.replace(DISPATCH, "other")),
        replace(good, url=good.url.replace("https", "http")),
        replace(good, headers={**good.headers, "content-type": "application/json"}, query={"bodySHA256": "0" * 64}),
    ]
    for forged in wrong:
        assert not TRANSPORT.verify(settings(), forged)
    other = RequestValidator("another token").compute_signature(good.url, DELIVERED)
    assert not TRANSPORT.verify(settings(), call(DELIVERED, other))
    assert not TRANSPORT.verify(msgspec.structs.replace(settings(), credentials={}), good)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("accepted", Meaning.ACCEPTED),
        ("scheduled", Meaning.ACCEPTED),
        ("queued", Meaning.ACCEPTED),
        ("sending", Meaning.ACCEPTED),
        ("sent", Meaning.SENT),
        ("delivered", Meaning.DELIVERED),
        ("read", Meaning.READ),
        ("failed", Meaning.FAILED),
        ("undelivered", Meaning.FAILED),
        ("canceled", Meaning.FAILED),
    ],
)
def test_each_status_has_its_meaning(word: str, meaning: Meaning) -> None:
    given = call({**DELIVERED, "MessageStatus": word})
    (report,) = TRANSPORT.read_reports(settings(), given)
    assert report == VendorReport(
        kind=word,
        meaning=meaning,
        message_id="SM" + "0" * 32,
        dispatch_id=DISPATCH,
        reason=f"TWILIO_{word.upper()}" if meaning is Meaning.FAILED else "",
        payload=given.body,
        address="+5511988887777",
    )


@pytest.mark.parametrize(
    ("code", "reason", "sign"),
    [
        ("21610", "OPTED_OUT", Sign.OPTED_OUT),
        ("30005", "UNKNOWN_NUMBER", Sign.ADDRESS_DEAD),
        ("30006", "NOT_A_MOBILE", Sign.ADDRESS_DEAD),
        ("30003", "UNREACHABLE", None),
        ("30007", "FILTERED", None),
        ("12345", "TWILIO_12345", None),
    ],
)
def test_a_failure_says_why_and_what_it_means_for_the_person(code: str, reason: str, sign: Sign | None) -> None:
    fields = {**DELIVERED, "MessageStatus": "undelivered", "ErrorCode": code, "To": "whatsapp:+5511988887777"}
    (report,) = TRANSPORT.read_reports(settings(), call(fields))
    assert (report.meaning, report.reason, report.sign) == (Meaning.FAILED, reason, sign)
    assert (report.error, report.address) == (code, "+5511988887777")


def test_a_stop_that_twilio_took_itself_is_a_sign_by_the_person_s_number() -> None:
    incoming = {"MessageSid": "SM1", "SmsStatus": "received", "From": "whatsapp:+5511988887777", "Body": "SAIR"}
    (stop,) = TRANSPORT.read_reports(settings(), call({**incoming, "OptOutType": "STOP"}))
    assert (stop.sign, stop.address, stop.message_id) == (Sign.OPTED_OUT, "+5511988887777", "")
    (start,) = TRANSPORT.read_reports(settings(), call({**incoming, "OptOutType": "START"}))
    assert start.sign is Sign.OPTED_IN
    assert TRANSPORT.read_reports(settings(), call({**incoming, "OptOutType": "HELP"})) == []
    assert TRANSPORT.read_reports(settings(), call(incoming)) == []


def test_a_call_that_cannot_be_read_is_told_so_and_a_strange_one_says_nothing() -> None:
    for body, kind in ((b"\xff", "application/x-www-form-urlencoded"), (b"{", "application/json")):
        with pytest.raises(ValueError, match=r".*"):
            TRANSPORT.read_reports(settings(), call(body, "x", content_type=kind))
    assert TRANSPORT.read_reports(settings(), call(b"[]", "x", content_type="application/json")) == []
    assert TRANSPORT.read_reports(settings(), call({"MessageStatus": "teleported"})) == []
    assert TRANSPORT.greet(settings(), call(DELIVERED)) is None


class Recorder(HttpClient):  # type: ignore[misc]  # the library has no types
    """In place of Twilio's own HTTP client: keeps the request and answers as Twilio does."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def request(self, method: str, url: str, *_args: Any, **more: Any) -> Response:
        self.seen = {"method": method, "url": url, **more}
        return Response(201, json.dumps({"sid": "SM1", "status": "queued"}))


def test_twilio_s_own_client_would_send_the_same() -> None:
    recorder = Recorder()
    Client(SID, makers.CANARY, http_client=recorder).messages.create(
        to="+5511988887777",
        from_="+5511999999999",
        messaging_service_sid="MGxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        body="Olá Ana",
        media_url=["https://cdn.example.com/a.png"],
        status_callback=f"{HOOK}/status?dispatch={DISPATCH}",
        shorten_urls=True,
        validity_period=600,
    )
    ours = build({"validity_period_s": 600}, media_url="https://cdn.example.com/a.png")
    theirs = recorder.seen
    assert (theirs["method"], theirs["url"]) == (ours.method, ours.url)
    sent = [
        (name, one) for name, value in theirs["data"].items() for one in (value if isinstance(value, list) else [value])
    ]
    assert sorted(form(ours)) == sorted((name, "true" if value is True else str(value)) for name, value in sent)
    user, token = theirs["auth"]
    assert f"Authorization: Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}" in ours.headers
