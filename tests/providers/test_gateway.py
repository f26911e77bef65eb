"""The gateway: what goes out for every key of its configuration, and what each answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.messages import WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome
from providers.registry import TRANSPORTS
from tests.providers import makers
from tests.providers.makers import GATEWAY, answer, message, settings

TRANSPORT = TRANSPORTS["gateway"]


def build(changes: dict[str, Any] | None = None, provider_type: str = "WHATSAPP", **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings({**GATEWAY, **(changes or {})}, provider_type), [message(**fields)])


def body_of(request: WireRequest) -> Any:
    return json.loads(request.body)


def parse(given: WireAnswer, **changes: Any) -> Outcome:
    (outcome,) = TRANSPORT.parse(settings({**GATEWAY, **changes}), [message()], given)
    return outcome


def test_a_message_goes_out_as_the_contract_says() -> None:
    request = build(
        body="Olá", template_code="tpl_offer", variables={"name": "Ana"}, media_url="https://cdn.example.com/a.png"
    )
    assert body_of(request) == {
        "to": "+5511988887777",
        "message": "Olá",
        "templateId": "tpl_offer",
        "variables": {"name": "Ana"},
        "mediaUrl": "https://cdn.example.com/a.png",
    }
    assert (request.method, request.url) == ("POST", "https://gateway.example.com/mcp/whatsapp/send")
    assert {line.partition(": ")[0]: line.partition(": ")[2] for line in request.headers} == {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "prism/0.1.0",
        "Authorization": f"Bearer {makers.CANARY}",
        "Idempotency-Key": message().dispatch_id,
        "X-Correlation-Id": "corr-1",
    }


def test_what_a_message_does_not_have_is_left_out() -> None:
    assert body_of(build(body="Olá")) == {"to": "+5511988887777", "message": "Olá"}


def test_an_email_has_the_fields_of_its_own_contract() -> None:
    fields = {"to": "ana@example.com", "subject": "Oferta", "body": "<p>Olá</p>", "variables": {"a": "b"}}
    assert body_of(build({}, "EMAIL", **fields)) == {**fields}
    assert body_of(build({"html": True}, "EMAIL", **fields)) == {**fields, "html": "<p>Olá</p>"}
    with_image = build({}, "EMAIL", to="ana@example.com", media_url="https://cdn.example.com/a.png")
    assert body_of(with_image)["mediaUrl"] == "https://cdn.example.com/a.png"
    assert body_of(build({}, "EMAIL", to="ana@example.com"))["subject"] == ""


@pytest.mark.parametrize(
    ("changes", "provider_type", "url"),
    [
        ({}, "EMAIL", "https://gateway.example.com/mcp/email/send"),
        ({}, "AI_AGENT", "https://gateway.example.com/mcp/ai_agent/send"),
        ({}, "Carrier Pigeon/2", "https://gateway.example.com/mcp/carrier-pigeon-2/send"),
        ({"api_url": "https://g.example.com/v1/"}, "SMS", "https://g.example.com/v1/mcp/sms/send"),
        ({"path": "/send?v=2"}, "SMS", "https://gateway.example.com/send?v=2"),
        ({"path": "", "api_url": "https://g.example.com/hook/?v=1"}, "SMS", "https://g.example.com/hook/?v=1"),
    ],
)
def test_the_address_follows_type_base_and_path(changes: dict[str, Any], provider_type: str, url: str) -> None:
    assert build(changes, provider_type).url == url


def test_the_token_can_go_into_a_header_of_choice_or_nowhere() -> None:
    header = {"type": "header", "header_name": "X-Api-Key", "token_env_var": makers.VARIABLE}
    assert f"X-Api-Key: {makers.CANARY}" in build({"authentication": header}).headers
    assert makers.CANARY not in "".join(build({"authentication": {"type": "none"}}).headers)


def test_the_time_outs_of_the_configuration_reach_the_wire() -> None:
    request = build({"timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


@pytest.mark.parametrize(
    ("trace_id", "line"),
    [
        ("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "traceparent: 00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
        ("trace-123-456", "X-Trace-Id: trace-123-456"),
        ("evil\r\nX-Admin: 1", "X-Trace-Id: evil%0D%0AX-Admin: 1"),
    ],
)
def test_a_trace_goes_along_in_the_form_it_has(trace_id: str, line: str) -> None:
    assert line in build(trace_id=trace_id).headers


def test_a_correlation_id_cannot_begin_another_header() -> None:
    assert "X-Correlation-Id: a%0D%0AX-Admin: ol%C3%A1" in build(correlation_id="a\r\nX-Admin: olá").headers


BATCH = {"batch": {"max_messages": 50}}


def test_a_batch_names_every_message_by_its_own_key() -> None:
    batched = settings({**GATEWAY, **BATCH})
    assert TRANSPORT.batch_size_of(batched) == 50
    assert TRANSPORT.batch_size_of(settings()) == 1
    request = TRANSPORT.build(batched, [message(dispatch_id="d-1"), message(dispatch_id="d-2", to="+551")])
    assert request.url == "https://gateway.example.com/mcp/whatsapp/send-batch"
    assert [(item["idempotencyKey"], item["to"]) for item in body_of(request)["messages"]] == [
        ("d-1", "+5511988887777"),
        ("d-2", "+551"),
    ]
    assert not any(line.startswith("Idempotency-Key") for line in request.headers)
    own = settings({**GATEWAY, "batch": {"max_messages": 2, "path": "/bulk"}})
    assert TRANSPORT.build(own, [message()] * 2).url == "https://gateway.example.com/bulk"


def parse_batch(given: WireAnswer, count: int) -> list[Outcome]:
    return TRANSPORT.parse(settings({**GATEWAY, **BATCH}), [message()] * count, given)


def test_a_batch_is_answered_item_by_item() -> None:
    body = b'[{"messageId":"a"},{"status":"failed","error":"OPTED_OUT"},{}]'
    kinds = [(outcome.kind, outcome.message_id) for outcome in parse_batch(answer(200, body), 3)]
    assert kinds == [(Kind.ACCEPTED, "a"), (Kind.OPTED_OUT, None), (Kind.UNKNOWN, None)]


@pytest.mark.parametrize("body", [b"[]", b'[{"messageId":"a"}]', b'{"messageId":"a"}', b"<html>", b"[1,2,3"])
def test_a_batch_answer_that_cannot_be_matched_is_unknown_for_all(body: bytes) -> None:
    outcomes = parse_batch(answer(200, body), 2)
    assert [(outcome.kind, outcome.reason) for outcome in outcomes] == [(Kind.UNKNOWN, "UNREADABLE_ANSWER")] * 2


def test_a_refused_batch_is_refused_for_all() -> None:
    outcomes = parse_batch(answer(429, b"", {"retry-after": "3"}), 2)
    assert [(outcome.kind, outcome.retry_after) for outcome in outcomes] == [(Kind.DEFERRED, 3.0)] * 2


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (301, Kind.CONFIGURATION, "HTTP_301"),
        (307, Kind.CONFIGURATION, "HTTP_307"),
        (400, Kind.REJECTED, "HTTP_400"),
        (401, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (403, Kind.CONFIGURATION, "FORBIDDEN"),
        (404, Kind.REJECTED, "HTTP_404"),
        (408, Kind.DEFERRED, "REQUEST_TIMEOUT"),
        (409, Kind.REJECTED, "HTTP_409"),
        (425, Kind.DEFERRED, "TOO_EARLY"),
        (429, Kind.DEFERRED, "RATE_LIMITED"),
        (500, Kind.DEFERRED, "HTTP_500"),
        (501, Kind.DEFERRED, "HTTP_501"),
        (502, Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, Kind.DEFERRED, "UNAVAILABLE"),
        (504, Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
        (101, Kind.UNKNOWN, "HTTP_101"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>sorry</html>"])
@pytest.mark.parametrize("idempotent", [False, True])
def test_the_status_decides_first(status: int, kind: Kind, reason: str, body: bytes, idempotent: bool) -> None:
    outcome = parse(answer(status, body), idempotent=idempotent)
    assert (outcome.kind, outcome.reason, outcome.error) == (kind, reason, f"HTTP {status}")


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b'{"status":"sent"}', Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b'{"messageId":""}', Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b'{"messageId":true}', Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b'{"messageId":"' + b"x" * 256 + b'"}', Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b"", Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b"<html>ok</html>", Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b'["m-1"]', Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (b'{"status":"failed"}', Kind.REJECTED, "VENDOR_ERROR"),
        (b'{"status":"FAILED","messageId":"m"}', Kind.REJECTED, "VENDOR_ERROR"),
        (b'{"status":"sent","messageId":"m","error":"no, not really"}', Kind.REJECTED, "VENDOR_ERROR"),
        (b'{"error":"Invalid number"}', Kind.RECIPIENT_INVALID, "INVALID_NUMBER"),
        (b'{"error":"unsubscribed"}', Kind.OPTED_OUT, "UNSUBSCRIBED"),
        (b'{"error":{"code":"rate-limited"}}', Kind.DEFERRED, "RATE_LIMITED"),
        (b'{"error":{"code":"TIMEOUT"}}', Kind.UNKNOWN, "TIMEOUT"),
        (b'{"error":{"code":"E42","message":"busy","retryable":true,"retryAfter":9}}', Kind.DEFERRED, "E42"),
        (b'{"error":{"code":"E42","message":"never"}}', Kind.REJECTED, "E42"),
        (b'{"error":{"code":131026}}', Kind.REJECTED, "131026"),
        (b'{"error":{"message":"only words for +5511988887777"}}', Kind.REJECTED, "VENDOR_ERROR"),
    ],
)
def test_a_2xx_is_judged_by_its_body_and_never_taken_for_sent_without_an_id(
    body: bytes, kind: Kind, reason: str
) -> None:
    outcome = parse(answer(200, body))
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error


@pytest.mark.parametrize("body", [b'{"messageId":"m-1"}', b'{"message_id":"m-1"}', b'{"id":"m-1","status":"queued"}'])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_id_means_accepted(body: bytes, status: int) -> None:
    outcome = parse(answer(status, body))
    assert (outcome.kind, outcome.message_id, outcome.response) == (Kind.ACCEPTED, "m-1", json.loads(body))


def test_a_number_is_an_id_too() -> None:
    assert parse(answer(200, b'{"messageId":9007199254740993,"error":null}')).message_id == "9007199254740993"


def test_an_unusual_gateway_is_read_by_its_own_paths() -> None:
    fields = {"message_id": "data.messages.0.ref", "status": "data.state", "error": "problem"}
    accepted = b'{"data":{"messages":[{"ref":"r-1"}],"state":"ok"},"id":"other"}'
    assert parse(answer(200, accepted), response_fields=fields).message_id == "r-1"
    failed = b'{"data":{"messages":[{"ref":"r-1"}],"state":"Failed"}}'
    assert parse(answer(200, failed), response_fields=fields).kind is Kind.REJECTED
    told = b'{"problem":{"code":"OPT_OUT"}}'
    assert parse(answer(200, told), response_fields=fields).kind is Kind.OPTED_OUT
    assert parse(answer(200, b'{"id":"other"}'), response_fields=fields).kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("deferred", Kind.DEFERRED),
        ("recipient_invalid", Kind.RECIPIENT_INVALID),
        ("opted_out", Kind.OPTED_OUT),
        ("configuration", Kind.CONFIGURATION),
    ],
)
def test_a_gateways_own_error_codes_count_before_the_usual_ones(name: str, kind: Kind) -> None:
    codes = {name: ["E-17", "numero invalido", "UNSUBSCRIBED"]}
    for body in (b'{"error":"e 17"}', b'{"error":{"code":"E-17"}}', b'{"error":"UNSUBSCRIBED"}'):
        assert parse(answer(200, body), error_codes=codes).kind is kind
        assert parse(answer(422, body), error_codes=codes).kind is kind


def test_a_4xx_with_a_telling_error_is_told_apart() -> None:
    assert parse(answer(422, b'{"error":"INVALID_NUMBER"}')).kind is Kind.RECIPIENT_INVALID
    told = parse(answer(422, b'{"error":{"code":"E1","message":"later","retryable":true,"retryAfter":5}}'))
    assert (told.kind, told.reason, told.retry_after) == (Kind.DEFERRED, "E1", 5.0)
    assert parse(answer(400, b'{"error":"something else"}')).reason == "HTTP_400"


@pytest.mark.parametrize(
    ("asked", "seconds"), [("7", 7.0), ("-3", None), ("soon", None), ("nan", None), ("9e99", 86_400)]
)
def test_retry_after_is_bounded_and_honest(asked: str, seconds: float | None) -> None:
    assert parse(answer(429, b"", {"retry-after": asked})).retry_after == seconds


def test_the_wait_may_stand_in_the_body() -> None:
    assert parse(answer(503, b'{"error":{"retryAfter":12}}')).retry_after == 12.0


def test_a_huge_answer_is_judged_whole_and_kept_cut() -> None:
    outcome = parse(answer(200, b'{"messageId":"m-1","noise":"' + b"x" * 50_000 + b'"}'))
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, "m-1")
    assert outcome.response["truncated"] is True
    assert len(outcome.response["text"]) <= 1024
