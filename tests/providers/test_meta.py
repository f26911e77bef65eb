"""Meta's Cloud API: what goes out, what each answer and each report means."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Unsendable, meta
from tests.providers import makers
from tests.providers.makers import CANARY, answer, message

TRANSPORT = meta.transport
PLAIN: dict[str, Any] = {
    "provider_vendor": "meta",
    "phone_number_id": "106540352242922",
    "authentication": {"token_env_var": "PRISM_PROVIDER_META_TOKEN"},
}
TEMPLATE = {"language": "pt_BR"}
WEBHOOK = {
    "app_secret_env_var": "PRISM_PROVIDER_META_APP_SECRET",
    "verify_token_env_var": "PRISM_PROVIDER_META_VERIFY_TOKEN",
}
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
ID = "0198f3a0-0000-7000-8000-000000000001"
URL = "https://graph.facebook.com/v25.0/106540352242922/messages"


def settings(**changes: Any) -> ProviderSettings:
    return makers.settings({**PLAIN, **changes})


def build(changes: dict[str, Any] | None = None, **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings(**(changes or {})), [message(to="+5531988889999", **fields)])


def parse(status: int, body: Any = None, **changes: Any) -> Outcome:
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    (outcome,) = TRANSPORT.parse(settings(**changes), [message()], answer(status, given))
    return outcome


def problems(**changes: Any) -> dict[str, str]:
    configuration = {key: value for key, value in {**PLAIN, **changes}.items() if value is not None}
    return dict(validate_configuration("WHATSAPP", configuration, allow_list=makers.ALLOW_LIST))


def test_a_template_goes_out_byte_by_byte_as_meta_documents_it() -> None:
    template = {**TEMPLATE, "button_variable": "code"}
    request = build(
        {"template": template},
        template_code="order_update",
        variables={"code": "abc123", "first": "Ana"},
        placeholders=("first", "code"),
    )
    assert (request.method, request.url) == ("POST", URL)
    assert request.body == (
        b'{"messaging_product":"whatsapp","recipient_type":"individual","to":"5531988889999","type":"template",'
        b'"template":{"name":"order_update","language":{"code":"pt_BR","policy":"deterministic"},'
        b'"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]},'
        b'{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"abc123"}]}]},'
        b'"biz_opaque_callback_data":"' + ID.encode() + b'"}'
    )
    assert request.headers == (
        f"Authorization: Bearer {CANARY}",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        "Content-Type: application/json",
    )


def test_a_text_goes_out_byte_by_byte_as_meta_documents_it() -> None:
    assert build(body="Olá Ana").body == (
        b'{"messaging_product":"whatsapp","recipient_type":"individual","to":"5531988889999","type":"text",'
        b'"text":{"body":"Ol\xc3\xa1 Ana","preview_url":false},"biz_opaque_callback_data":"' + ID.encode() + b'"}'
    )


def content(request: WireRequest) -> Any:
    fields = json.loads(request.body)
    return fields["type"], fields[fields["type"]]


def test_variables_fill_their_places_in_the_order_of_the_template_or_go_by_name() -> None:
    variables = {"amount": "R$ 10", "first": "Ana"}
    places = {"template_code": "t", "variables": variables, "placeholders": ("first", "amount")}
    _kind, by_place = content(build({"template": TEMPLATE}, **places))
    assert by_place["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "R$ 10"}]}
    ]
    _kind, by_name = content(build({"template": {**TEMPLATE, "parameter_format": "named"}}, **places))
    assert by_name["components"][0]["parameters"] == [
        {"type": "text", "parameter_name": "first", "text": "Ana"},
        {"type": "text", "parameter_name": "amount", "text": "R$ 10"},
    ]


def test_a_template_without_variables_has_no_components() -> None:
    assert content(build({"template": TEMPLATE}, template_code="hello")) == (
        "template",
        {"name": "hello", "language": {"code": "pt_BR", "policy": "deterministic"}},
    )


def test_the_media_of_a_template_is_its_header() -> None:
    fields = {"template_code": "t", "media_url": "https://cdn.example.com/offer.pdf"}
    assert content(build({"template": TEMPLATE}, **fields))[1]["components"] == [
        {
            "type": "header",
            "parameters": [
                {"type": "document", "document": {"link": "https://cdn.example.com/offer.pdf", "filename": "offer.pdf"}}
            ],
        }
    ]


def test_a_message_without_a_template_code_is_a_text_even_where_templates_are_set_up() -> None:
    assert content(build({"template": TEMPLATE}, body="Oi"))[0] == "text"


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("https://c.example.com/a.png", "Oi", ("image", {"link": "https://c.example.com/a.png", "caption": "Oi"})),
        ("https://c.example.com/a.mp4", "", ("video", {"link": "https://c.example.com/a.mp4"})),
        ("https://c.example.com/a.ogg", "", ("audio", {"link": "https://c.example.com/a.ogg"})),
        (
            "https://c.example.com/a.ogg",
            "Oi",
            ("document", {"link": "https://c.example.com/a.ogg", "caption": "Oi", "filename": "a.ogg"}),
        ),
    ],
)
def test_media_goes_out_by_its_kind_and_no_text_beside_it_is_lost(url: str, body: str, expected: Any) -> None:
    assert content(build(body=body, media_url=url)) == expected


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"api_version": "v26.0"}, "https://graph.facebook.com/v26.0/106540352242922/messages"),
        ({"phone_number_id": "55555"}, "https://graph.facebook.com/v25.0/55555/messages"),
        ({"api_url": "http://127.0.0.1:9/x/"}, "http://127.0.0.1:9/x/v25.0/106540352242922/messages"),
    ],
)
def test_address_version_and_number_make_the_url(changes: dict[str, Any], url: str) -> None:
    assert build(changes).url == url


def test_the_other_keys_change_the_request_too() -> None:
    assert content(build({"preview_url": True}))[1]["preview_url"] is True
    assert content(build({"template": {"language": "en"}}, template_code="t"))[1]["language"]["code"] == "en"
    button = {**TEMPLATE, "button_variable": "a", "button_index": 2}
    assert content(build({"template": button}, template_code="t"))[1]["components"][0]["index"] == "2"
    request = build({"timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"authentication": {}}, "authentication.token_env_var"),
        ({"authentication": {"token_env_var": "PRISM_PROVIDER_A", "token_secret": "b"}}, "authentication.token_secret"),
        ({"template": {}}, "template.language"),
        ({"template": {"language": "português"}}, "template.language"),
        ({"template": {"language": "pt_BR", "button_index": 1}}, "template.button_index"),
        ({"webhook": {"app_secret_env_var": "PRISM_PROVIDER_A"}}, "webhook.verify_token_env_var"),
        ({"webhook": {"verify_token_env_var": "PRISM_PROVIDER_A"}}, "webhook.app_secret_env_var"),
        ({"phone_number_id": "+5511999999999"}, "phone_number_id"),
        ({"api_version": "25"}, "api_version"),
        ({"idempotent": True}, "idempotent"),
        ({"connect_timeout_ms": 9_000, "timeout_ms": 8_000}, "connect_timeout_ms"),
    ],
)
def test_what_would_be_ignored_or_cannot_work_is_refused_with_its_path(changes: dict[str, Any], path: str) -> None:
    assert path in problems(**changes)


@pytest.mark.parametrize("to", ["", "ana@example.com", "12345", "٣١٩٨٨٨٨٩٩٩٩"])
def test_what_is_no_phone_number_makes_no_request(to: str) -> None:
    with pytest.raises(Unsendable) as refused:
        TRANSPORT.build(settings(), [message(to=to)])
    assert (refused.value.kind, refused.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_NUMBER")


@pytest.mark.parametrize(("media_url", "longest"), [(None, 4096), ("https://cdn.example.com/a.png", 1024)])
def test_a_text_that_whatsapp_would_not_take_makes_no_request(media_url: str | None, longest: int) -> None:
    build(body="x" * longest, media_url=media_url)
    with pytest.raises(Unsendable) as refused:
        build(body="x" * (longest + 1), media_url=media_url)
    assert (refused.value.kind, refused.value.reason) == (Kind.REJECTED, "CONTENT_TOO_LONG")


@pytest.mark.parametrize("state", ["accepted", "held_for_quality_assessment"])
def test_taken_means_taken_and_the_number_that_whatsapp_knows_is_kept(state: str) -> None:
    body = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "5531988889999", "wa_id": "553188889999"}],
        "messages": [{"id": " wamid.HBgM= ", "message_status": state}],
    }
    outcome = parse(200, body)
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, "wamid.HBgM=")
    assert outcome.response["contacts"][0]["wa_id"] == "553188889999"


CODES = [
    *[(code, Kind.DEFERRED, "RATE_LIMITED") for code in (4, 80007, 130429)],
    (131056, Kind.DEFERRED, "PAIR_RATE_LIMITED"),
    (131048, Kind.DEFERRED, "SPAM_RATE_LIMITED"),
    (133016, Kind.DEFERRED, "REGISTRATION_RATE_LIMITED"),
    (131053, Kind.DEFERRED, "MEDIA_FAILED"),
    *[(code, Kind.DEFERRED, "UNAVAILABLE") for code in (1, 2, 131000, 131016)],
    (131049, Kind.REJECTED, "MARKETING_LIMITED"),
    (130472, Kind.REJECTED, "IN_EXPERIMENT"),
    (131026, Kind.REJECTED, "UNDELIVERABLE"),
    (131047, Kind.REJECTED, "OUTSIDE_WINDOW"),
    (131050, Kind.OPTED_OUT, "OPTED_OUT"),
    (100, Kind.REJECTED, "INVALID_PARAMETER"),
    (33, Kind.CONFIGURATION, "NUMBER_UNKNOWN"),
    *[(code, Kind.REJECTED, "TEMPLATE_REJECTED") for code in (132000, 132001, 132005, 132007, 132012, 132015, 132016)],
    (131008, Kind.REJECTED, "MISSING_PARAMETER"),
    (131009, Kind.REJECTED, "INVALID_PARAMETER"),
    (131051, Kind.REJECTED, "UNSUPPORTED_TYPE"),
    *[(code, Kind.CONFIGURATION, "UNAUTHORIZED") for code in (0, 190)],
    *[(code, Kind.CONFIGURATION, "FORBIDDEN") for code in (3, 10, 200, 299)],
    (131031, Kind.CONFIGURATION, "ACCOUNT_LOCKED"),
    (131042, Kind.CONFIGURATION, "BILLING"),
    (368, Kind.CONFIGURATION, "POLICY_BLOCKED"),
]


@pytest.mark.parametrize(("code", "kind", "reason"), CODES)
@pytest.mark.parametrize("status", [400, 500])
def test_the_code_decides_whatever_the_status(code: int, kind: Kind, reason: str, status: int) -> None:
    error = {
        "message": f"(#{code}) Pair rate limit hit",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "Too many messages to this number."},
        "fbtrace_id": "Az8",
    }
    outcome = parse(status, {"error": error})
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error == f"({code}) (#{code}) Pair rate limit hit: Too many messages to this number."
    assert outcome.response == {"error": error}


@pytest.mark.parametrize(("code", "wait"), [(131056, 6.0), (131048, 3600.0), (130429, None), (100, None)])
def test_a_limit_says_how_long_it_holds(code: int, wait: float | None) -> None:
    assert parse(400, {"error": {"code": code}}).retry_after == wait


def test_a_header_says_it_better() -> None:
    given = answer(429, b'{"error":{"code":131056}}', {"retry-after": "30"})
    (outcome,) = TRANSPORT.parse(settings(), [message()], given)
    assert outcome.retry_after == 30


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, {"error": {"code": 987654}}, Kind.REJECTED, "META_987654"),
        (500, {"error": {"code": 987654}}, Kind.DEFERRED, "META_987654"),
        (200, {"error": {"code": 987654}}, Kind.REJECTED, "META_987654"),
        (400, {"error": {"code": "131026"}}, Kind.REJECTED, "UNDELIVERABLE"),
        # The sender's number is not there, or the token may not use it: no message of the provider's would go out.
        (400, {"error": {"code": 100, "error_subcode": 33}}, Kind.CONFIGURATION, "NUMBER_UNKNOWN"),
        (400, {"error": {"code": 100, "error_subcode": [33]}}, Kind.REJECTED, "INVALID_PARAMETER"),
        (400, {"error": {"message": "what?"}}, Kind.REJECTED, "HTTP_400"),
        (400, {"error": {"code": True}}, Kind.REJECTED, "HTTP_400"),
        (400, b"<html>no</html>", Kind.REJECTED, "HTTP_400"),
        (401, b"", Kind.CONFIGURATION, "UNAUTHORIZED"),
        (429, b"", Kind.DEFERRED, "RATE_LIMITED"),
        (500, b"<html>sorry</html>", Kind.DEFERRED, "HTTP_500"),
        (502, b"<html>sorry</html>", Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, b"", Kind.DEFERRED, "UNAVAILABLE"),
        (504, b"", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
        (200, b"<html>ok</html>", Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (200, {"messages": []}, Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (200, {"messages": [{"id": ""}]}, Kind.UNKNOWN, "NO_MESSAGE_ID"),
    ],
)
def test_without_a_known_code_the_status_decides(status: int, body: Any, kind: Kind, reason: str) -> None:
    outcome = parse(status, body)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error


def test_health_asks_for_the_number_and_reads_metas_code() -> None:
    request = TRANSPORT.health_request(settings())
    assert request is not None
    assert (request.method, request.url) == ("GET", "https://graph.facebook.com/v25.0/106540352242922")
    codes = {
        (200, b'{"id":"106540352242922"}'): "OK",
        (400, b'{"error":{"code":190}}'): "UNAUTHORIZED",
        (403, b'{"error":{"code":10}}'): "FORBIDDEN",
        (400, b'{"error":{"code":100}}'): "CONFIGURATION",
        (400, b'{"error":{"code":33}}'): "CONFIGURATION",
        (500, b'{"error":{"code":2}}'): "VENDOR_ERROR",
        (500, b"<html>"): "VENDOR_ERROR",
        (404, b""): "UNEXPECTED",
    }
    for (status, body), code in codes.items():
        assert TRANSPORT.read_health(settings(), answer(status, body)).code == code


# What Meta reports.

STATUS = {
    "id": "wamid.A",
    "recipient_id": "5531988889999",
    "status": "delivered",
    "timestamp": "1763683200",
    "biz_opaque_callback_data": ID,
}


def payload(*statuses: dict[str, Any], number: str = "106540352242922", **value: Any) -> bytes:
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number}, **value}
    if statuses:
        value["statuses"] = list(statuses)
    change = {"field": "user_preferences" if "user_preferences" in value else "messages", "value": value}
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}, ensure_ascii=False
    ).encode()


def call(body: bytes = b"", signature: str | None = None, **changes: Any) -> Call:
    headers = {} if signature is None else {"x-hub-signature-256": signature}
    made = Call("POST", "https://prism.example.com/webhooks/p", "", {}, headers, body, NOW)
    return msgspec.structs.replace(made, **changes)


def signed(body: bytes) -> str:
    return f"sha256={hmac.new(CANARY.encode(), body, hashlib.sha256).hexdigest()}"


def reports(body: bytes) -> list[VendorReport]:
    return TRANSPORT.read_reports(settings(webhook=WEBHOOK), call(body))


def test_a_signature_over_the_raw_body_is_believed_and_nothing_else() -> None:
    listening = settings(webhook=WEBHOOK)
    body = payload({**STATUS, "note": "Olá 🎉"})
    assert len(signed(body)) == 71
    assert TRANSPORT.verify(listening, call(body, signed(body)))
    assert TRANSPORT.verify(listening, call(body, signed(body))), "a repeated call is believed, and counted once below"
    assert not TRANSPORT.verify(listening, call(body.replace(b"delivered", b"read"), signed(body)))
    again = json.dumps(json.loads(body)).encode()
    assert not TRANSPORT.verify(listening, call(again, signed(body))), "re-serialised"
    for bad in (None, "", "sha256=", signed(body).upper(), signed(body)[7:], "sha256=é", "sha1=" + "0" * 40):
        assert not TRANSPORT.verify(listening, call(body, bad))
    assert not TRANSPORT.verify(settings(), call(body, signed(body))), "no secret is set up"


def test_the_challenge_is_told_to_whoever_knows_the_verify_token() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": CANARY, "hub.challenge": "1158201444"}
    listening = settings(webhook=WEBHOOK)
    assert TRANSPORT.greet(listening, call(method="GET", query=query)) == "1158201444"
    for changes in ({"hub.verify_token": "é"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
        assert TRANSPORT.greet(listening, call(method="GET", query={**query, **changes})) is None
    assert TRANSPORT.greet(listening, call(method="GET")) is None
    assert TRANSPORT.greet(settings(), call(method="GET", query={**query, "hub.verify_token": ""})) is None


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("sent", Meaning.SENT),
        ("delivered", Meaning.DELIVERED),
        ("read", Meaning.READ),
        ("played", Meaning.READ),
        ("failed", Meaning.FAILED),
    ],
)
def test_each_status_has_its_meaning_and_names_our_dispatch(status: str, meaning: Meaning) -> None:
    (report,) = reports(payload({**STATUS, "status": status}))
    assert (report.kind, report.meaning, report.message_id, report.dispatch_id) == (status, meaning, "wamid.A", ID)
    assert report.address == "", "our dispatch knows its address"
    (other,) = reports(payload({**STATUS, "status": status, "biz_opaque_callback_data": None}))
    assert (other.dispatch_id, other.address) == ("", "+5531988889999")
    assert report.occurred_at == dt.datetime(2025, 11, 21, tzinfo=dt.UTC)
    assert json.loads(report.payload)["status"] == status
    assert CANARY.encode() not in report.payload


@pytest.mark.parametrize("timestamp", ["1763683200", 1763683200, "1763683200000", 1763683200000])
def test_seconds_and_milliseconds_are_told_apart(timestamp: Any) -> None:
    (report,) = reports(payload({**STATUS, "timestamp": timestamp}))
    assert report.occurred_at == dt.datetime(2025, 11, 21, tzinfo=dt.UTC)


@pytest.mark.parametrize("timestamp", [None, "", "soon", "9" * 40, [], -(10**30)])
def test_a_time_that_is_none_is_left_out(timestamp: Any) -> None:
    (report,) = reports(payload({**STATUS, "timestamp": timestamp}))
    assert report.occurred_at is None


@pytest.mark.parametrize(
    ("code", "reason", "sign"),
    [
        (131050, "OPTED_OUT", Sign.OPTED_OUT),
        (131026, "UNDELIVERABLE", None),
        (131049, "MARKETING_LIMITED", None),
        (132015, "TEMPLATE_REJECTED", None),
        (424242, "META_424242", None),
    ],
)
def test_a_failure_says_why_and_only_an_opt_out_says_more_of_the_person(
    code: int, reason: str, sign: Sign | None
) -> None:
    errors = [{"code": code, "title": "No", "error_data": {"details": "Because."}}]
    (report,) = reports(payload({**STATUS, "status": "failed", "errors": errors}))
    assert (report.meaning, report.reason, report.error, report.sign) == (Meaning.FAILED, reason, "No: Because.", sign)


def test_a_failure_without_a_reason_has_one_all_the_same() -> None:
    (report,) = reports(payload({**STATUS, "status": "failed"}))
    assert (report.reason, report.error) == ("VENDOR_ERROR", None)


def test_several_messages_in_one_call_are_read_in_order_and_repeats_once() -> None:
    other = {**STATUS, "id": "wamid.B", "status": "sent"}
    read = {**STATUS, "status": "read", "timestamp": "1763683260"}
    found = reports(payload(STATUS, other, STATUS, read, other))
    assert [(one.message_id, one.kind) for one in found] == [
        ("wamid.A", "delivered"),
        ("wamid.B", "sent"),
        ("wamid.A", "read"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        payload(STATUS, number="999"),
        payload({**STATUS, "status": "deleted"}),
        payload({**STATUS, "status": "tomorrow's word"}),
        payload({**STATUS, "id": None}),
        payload(messages=[{"from": "5531988889999", "id": "wamid.I", "type": "text", "text": {"body": "Oi"}}]),
        b"{}",
        b'{"entry":[1,{"changes":[null,{"value":3}]}]}',
    ],
)
def test_what_is_no_report_or_none_of_ours_is_left_out(body: bytes) -> None:
    assert reports(body) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff", b"[" * 5000])
def test_what_cannot_be_read_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        reports(body)


@pytest.mark.parametrize(("value", "sign"), [("stop", Sign.OPTED_OUT), ("resume", Sign.OPTED_IN)])
def test_whoever_stops_or_resumes_marketing_is_told_by_number(value: str, sign: Sign) -> None:
    preference = {"wa_id": "16505551234", "category": "marketing_messages", "value": value, "timestamp": 1731705721}
    (report,) = reports(payload(user_preferences=[preference, {**preference, "category": "x"}, {"value": "?"}]))
    assert (report.sign, report.address, report.message_id) == (sign, "+16505551234", "")
    assert report.meaning is Meaning.ENGAGED


def test_secrets_are_taken_out_of_what_is_stored() -> None:
    assert CANARY.encode() not in TRANSPORT.redact(settings(webhook=WEBHOOK), b'{"a":"' + CANARY.encode() + b'"}')


def test_reports_are_awaited_only_where_they_can_be_believed() -> None:
    heard = msgspec.structs.replace(settings(webhook=WEBHOOK), webhook_url="https://prism.example.com/webhooks/p")
    assert TRANSPORT.awaits_reports(heard)
    deaf = msgspec.structs.replace(settings(), webhook_url="https://prism.example.com/webhooks/p")
    assert not TRANSPORT.awaits_reports(deaf)
