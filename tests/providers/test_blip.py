"""Blip: what goes out for every key of its configuration, what it is asked first, what its answers and notifications
mean."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.registry import transport_for
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Known, Question, Unsendable, blip
from tests.providers import makers
from tests.providers.makers import CANARY, answer, message

TRANSPORT = blip.transport
PLAIN: dict[str, Any] = {"authentication": {"type": "bearer_token", "token_env_var": "BLIP_API_TOKEN"}}
TEMPLATE = {"language": "pt_BR", "namespace": "0cf88f37"}
WEBHOOK = {"token_env_var": "PRISM_PROVIDER_BLIP_WEBHOOK"}
ID = "0198f3a0-0000-7000-8000-000000000001"
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def settings(provider_type: str = "WHATSAPP", **changes: Any) -> ProviderSettings:
    return makers.settings({**PLAIN, **changes}, provider_type)


def build(changes: dict[str, Any] | None = None, provider_type: str = "WHATSAPP", **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings(provider_type, **(changes or {})), [message(to="+5531988889999", **fields)])


def body_of(request: WireRequest) -> Any:
    return json.loads(request.body)


def parse(status: int, body: Any = b"") -> Outcome:
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    (outcome,) = TRANSPORT.parse(settings(), [message()], answer(status, given))
    return outcome


def problems(provider_type: str = "WHATSAPP", **changes: Any) -> dict[str, str]:
    return dict(validate_configuration(provider_type, {**PLAIN, **changes}, allow_list=makers.ALLOW_LIST))


def test_a_text_goes_out_byte_by_byte_as_blip_documents_it() -> None:
    request = build(body="Hi Ana")
    assert (request.method, request.url) == ("POST", "https://msging.net/messages")
    assert request.body == (
        b'{"id":"0198f3a0-0000-7000-8000-000000000001","to":"5531988889999@wa.gw.msging.net","type":"text/plain",'
        b'"content":"Hi Ana"}'
    )
    assert request.headers == (
        f"Authorization: Key {CANARY}",
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
    )


def test_a_template_goes_out_byte_by_byte_as_blip_documents_it() -> None:
    fields: dict[str, Any] = {
        "template_code": "element_name",
        "variables": {"first": "Ana"},
        "placeholders": ("first",),
    }
    assert build({"template": TEMPLATE}, **fields).body == (
        b'{"id":"0198f3a0-0000-7000-8000-000000000001","to":"5531988889999@wa.gw.msging.net",'
        b'"type":"application/json","content":{"type":"template","template":{"namespace":"0cf88f37",'
        b'"name":"element_name","language":{"code":"pt_BR","policy":"deterministic"},'
        b'"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]}]}}}'
    )


def test_the_seeds_example_loads_as_it_stands_and_each_of_its_keys_shows_in_the_request() -> None:
    assert transport_for("WHATSAPP", TRANSPORT.example).vendor == "blip"
    assert validate_configuration("WHATSAPP", TRANSPORT.example, allow_list=makers.ALLOW_LIST) == []
    request = TRANSPORT.build(makers.settings(TRANSPORT.example), [message(body="Olá")])
    assert request.url == "https://msging.net/messages"
    assert f"Authorization: Key {CANARY}" in request.headers
    assert body_of(request) == {
        "id": ID,
        "from": "bot-growth@msging.net",
        "to": "5511988887777@wa.gw.msging.net",
        "type": "text/plain",
        "content": "Olá",
        "metadata": {"bot_name": "bot-growth-campaigns-prod", "flow_id": "flow_credit_offer_v3"},
    }


def test_a_contracts_own_address_serves_messages_and_commands() -> None:
    own: dict[str, Any] = {"api_url": "https://acme.http.msging.net/messages", "template": TEMPLATE}
    assert build(own).url == "https://acme.http.msging.net/messages"
    (question,) = TRANSPORT.questions(settings(**own), [message(template_code="t")])
    assert question.request.url == "https://acme.http.msging.net/commands"
    assert "api_url" in problems(api_url="https://acme.http.msging.net/")


def test_media_is_a_link_with_its_type_and_its_text() -> None:
    fields = body_of(build(media_url="https://cdn.example.com/a.jpg", body="Veja"))
    assert fields["type"] == "application/vnd.lime.media-link+json"
    assert fields["content"] == {"type": "image/jpeg", "uri": "https://cdn.example.com/a.jpg", "text": "Veja"}
    assert "text" not in body_of(build(media_url="https://cdn.example.com/a.jpg", body=""))["content"]


def test_the_keys_of_a_template_change_the_request() -> None:
    fields: dict[str, Any] = {"template_code": "t", "variables": {"a": "1", "b": "2"}, "placeholders": ("b", "a")}
    options = {"language": "en", "parameter_format": "named", "button_variable": "a", "button_index": 1}
    template = body_of(build({"template": options}, **fields))["content"]["template"]
    assert template == {
        "name": "t",
        "language": {"code": "en", "policy": "deterministic"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "parameter_name": "b", "text": "2"}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "1"}]},
        ],
    }


def test_an_ai_agent_gets_the_message_with_all_that_it_needs_to_talk() -> None:
    request = build(
        TRANSPORT.example,
        "AI_AGENT",
        body="Ofereça o crédito",
        template_code="tpl_offer",
        variables={"first": "Ana"},
        media_url="https://cdn.example.com/a.jpg",
    )
    assert body_of(request) == {
        "id": ID,
        "to": "bot-growth@msging.net",
        "type": "application/json",
        "content": {
            "contact": "+5531988889999",
            "message": "Ofereça o crédito",
            "template": "tpl_offer",
            "variables": {"first": "Ana"},
            "media_url": "https://cdn.example.com/a.jpg",
            "flow_id": "flow_credit_offer_v3",
        },
        "metadata": {"bot_name": "bot-growth-campaigns-prod", "flow_id": "flow_credit_offer_v3"},
    }
    assert TRANSPORT.questions(settings("AI_AGENT", **TRANSPORT.example), [message(template_code="t")]) == ()


@pytest.mark.parametrize(
    ("provider_type", "changes", "path"),
    [
        ("AI_AGENT", {}, "bot_identifier"),
        ("AI_AGENT", {"bot_identifier": "a@msging.net", "template": TEMPLATE}, "template"),
        ("WHATSAPP", {"authentication": {"type": "bearer_token"}}, "authentication.token_env_var"),
        ("WHATSAPP", {"authentication": {"type": "basic", "token_env_var": "BLIP_A"}}, "authentication.type"),
        ("WHATSAPP", {"bot_identifier": "bot-growth"}, "bot_identifier"),
        ("WHATSAPP", {"flow_id": ""}, "flow_id"),
        ("WHATSAPP", {"bot_name": 3}, "bot_name"),
        ("WHATSAPP", {"template": {"language": "pt_BR", "button_index": 1}}, "template.button_index"),
        ("WHATSAPP", {"webhook": {}}, "webhook.token_env_var"),
        ("WHATSAPP", {"webhook": {**WEBHOOK, "header_name": "X Prism"}}, "webhook.header_name"),
        ("WHATSAPP", {"idempotent": True}, "idempotent"),
    ],
)
def test_what_would_be_ignored_or_cannot_work_is_refused_with_its_path(
    provider_type: str, changes: dict[str, Any], path: str
) -> None:
    assert path in problems(provider_type, **changes)


def test_what_is_no_phone_number_makes_no_request_and_no_question() -> None:
    for ask in (TRANSPORT.build, TRANSPORT.questions):
        with pytest.raises(Unsendable) as refused:
            ask(settings(template=TEMPLATE), [message(to="ana", template_code="t")])
        assert (refused.value.kind, refused.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_NUMBER")


# Who is it?


def question(**fields: Any) -> Question:
    (asked,) = TRANSPORT.questions(settings(template=TEMPLATE), [message(to="31 98888-9999", template_code="t")])
    return asked


def test_before_a_template_blip_is_asked_who_the_number_is() -> None:
    asked = question()
    assert asked.key == "identity:5531988889999"
    assert asked.request.url == "https://msging.net/commands"
    assert asked.request.body == (
        b'{"id":"0198f3a0-0000-7000-8000-000000000001","to":"postmaster@wa.gw.msging.net","method":"get",'
        b'"uri":"lime://wa.gw.msging.net/accounts/+5531988889999"}'
    )
    assert TRANSPORT.questions(settings(), [message(template_code="t")]) == ()
    assert TRANSPORT.questions(settings(template=TEMPLATE), [message()]) == ()


def read(status: int, body: Any) -> Known | Outcome:
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    return TRANSPORT.read_answer(settings(template=TEMPLATE), question(), answer(status, given))


def test_the_identity_that_blip_tells_is_written_to_and_kept_for_a_day() -> None:
    told = {"status": "success", "resource": {"alternativeAccount": "553188889999@wa.gw.msging.net"}}
    known = read(200, told)
    assert isinstance(known, Known)
    assert known.lifetime_s == 86_400
    asking = [message(to="31 98888-9999", template_code="t")]
    request = TRANSPORT.build_knowing(settings(template=TEMPLATE), asking, {"identity:5531988889999": known.value})
    assert body_of(request)["to"] == "553188889999@wa.gw.msging.net"
    assert not TRANSPORT.disproves(settings(), answer(401))


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (200, {"status": "failure", "reason": {"code": 67}}, Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP"),
        (200, {"status": "failure", "reason": {"code": 42}}, Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP"),
        (200, {"status": "failure"}, Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP"),
        (200, {"status": "failure", "reason": {"code": 31}}, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (200, {"status": "failure", "reason": {"code": 1}}, Kind.DEFERRED, "UNAVAILABLE"),
        (200, {"status": "success", "resource": {}}, Kind.DEFERRED, "UNREADABLE_ANSWER"),
        (200, {"status": "success", "resource": {"alternativeAccount": "x"}}, Kind.DEFERRED, "UNREADABLE_ANSWER"),
        (200, b"<html>", Kind.DEFERRED, "UNREADABLE_ANSWER"),
        (401, b"", Kind.CONFIGURATION, "UNAUTHORIZED"),
        (429, b"", Kind.DEFERRED, "RATE_LIMITED"),
        (500, b"<html>", Kind.DEFERRED, "HTTP_500"),
        # No message was judged: what is wrong is ours, and the messages wait.
        (400, b"", Kind.CONFIGURATION, "HTTP_400"),
        (404, b"<html>", Kind.CONFIGURATION, "HTTP_404"),
    ],
)
def test_a_question_that_fails_says_whether_it_is_the_number(status: int, body: Any, kind: Kind, reason: str) -> None:
    outcome = read(status, body)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.reason) == (kind, reason)


# What became of it?


@pytest.mark.parametrize(("status", "body"), [(202, b""), (200, b"{}"), (202, b"<html>")])
def test_a_taken_message_is_known_by_the_id_that_we_gave_it(status: int, body: bytes) -> None:
    outcome = parse(status, body)
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, ID)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (200, b"<html>Welcome</html>", Kind.UNKNOWN, "UNREADABLE_ANSWER"),
        (400, b"", Kind.REJECTED, "HTTP_400"),
        (400, {"reason": {"code": 21, "description": "Invalid to"}}, Kind.REJECTED, "INVALID_MESSAGE"),
        (400, {"reason": {"code": 42}}, Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP"),
        (400, {"reason": {"code": 99}}, Kind.REJECTED, "HTTP_400"),
        (401, {"reason": {"code": 21}}, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (403, b"", Kind.CONFIGURATION, "FORBIDDEN"),
        (429, b"", Kind.DEFERRED, "RATE_LIMITED"),
        (500, b"<html>", Kind.DEFERRED, "HTTP_500"),
        (502, b"<html>", Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, b"", Kind.DEFERRED, "UNAVAILABLE"),
        (504, b"", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
    ],
)
def test_each_answer_has_its_outcome(status: int, body: Any, kind: Kind, reason: str) -> None:
    outcome = parse(status, body)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error


def test_health_is_a_ping_that_reaches_nobody() -> None:
    request = TRANSPORT.health_request(settings())
    assert request is not None
    assert request.url == "https://msging.net/commands"
    assert body_of(request) == {"id": settings().provider_id, "method": "get", "uri": "/ping"}
    assert request.timeout_ms == 10_000
    codes = {
        (200, b'{"status":"success"}'): "OK",
        (200, b'{"status":"failure","reason":{"code":31,"description":"no"}}'): "UNAUTHORIZED",
        (200, b'{"status":"failure"}'): "UNEXPECTED",
        (200, b"<html>"): "UNEXPECTED",
        (401, b""): "UNAUTHORIZED",
        (503, b""): "VENDOR_ERROR",
    }
    for (status, body), code in codes.items():
        assert TRANSPORT.read_health(settings(), answer(status, body)).code == code


# What Blip reports.


def call(body: Any = None, headers: dict[str, str] | None = None) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Call(
        "POST", "https://prism.example.com/webhooks/p/notifications", "notifications", {}, headers or {}, raw, NOW
    )


NOTIFICATION = {
    "id": ID,
    "from": "5531988889999@wa.gw.msging.net/x",
    "to": "bot-growth@msging.net/i",
    "event": "received",
}


def reports(body: Any) -> list[VendorReport]:
    return TRANSPORT.read_reports(settings(webhook=WEBHOOK), call(body))


@pytest.mark.parametrize("name", [None, "X-Growth-Secret"])
def test_the_secret_header_is_believed_and_nothing_else(name: str | None) -> None:
    webhook = {**WEBHOOK, **({"header_name": name} if name else {})}
    listening = settings(webhook=webhook)
    header = (name or "X-Prism-Secret").lower()
    assert TRANSPORT.verify(listening, call({"a": "Olá 🎉"}, {header: CANARY}))
    for bad in ({}, {header: ""}, {header: CANARY + "x"}, {header: "é\udcff"}, {"x-other": CANARY}):
        assert not TRANSPORT.verify(listening, call({}, bad))
    assert not TRANSPORT.verify(settings(), call({}, {header: ""})), "no secret is set up"
    assert TRANSPORT.greet(listening, call()) is None


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ("accepted", Meaning.ACCEPTED),
        ("dispatched", Meaning.SENT),
        ("received", Meaning.DELIVERED),
        ("consumed", Meaning.READ),
        ("failed", Meaning.FAILED),
    ],
)
def test_each_event_has_its_meaning(event: str, meaning: Meaning) -> None:
    (report,) = reports({**NOTIFICATION, "event": event})
    assert (report.kind, report.meaning, report.message_id, report.dispatch_id) == (event, meaning, ID, ID)
    assert report.sign is None
    assert report == reports({**NOTIFICATION, "event": event})[0], "a repeated call is the same report"


@pytest.mark.parametrize(
    ("reason", "code", "sign"),
    [
        ({"code": 42, "description": "No such destination"}, "NOT_ON_WHATSAPP", Sign.ADDRESS_DEAD),
        ({"code": 71, "description": "(#131050) User stopped marketing"}, "OPTED_OUT", Sign.OPTED_OUT),
        ({"code": 71, "description": "131026: Message undeliverable"}, "UNDELIVERABLE", None),
        ({"code": 71, "description": "order 199999 failed"}, "UNAVAILABLE", None),
        ({"code": 99}, "BLIP_99", None),
        (None, "VENDOR_ERROR", None),
    ],
)
def test_a_failure_says_why_and_a_code_of_metas_says_it_best(reason: Any, code: str, sign: Sign | None) -> None:
    (report,) = reports({**NOTIFICATION, "event": "failed", "reason": reason})
    assert (report.reason, report.sign) == (code, sign)
    assert report.error == (reason or {}).get("description")


@pytest.mark.parametrize(
    "body",
    [
        {**NOTIFICATION, "event": "tomorrow's word"},
        {**NOTIFICATION, "event": None},
        {**NOTIFICATION, "id": "fwd:wamid.1"},
        {**NOTIFICATION, "id": "0198f3a0-0000-4000-8000-000000000001"},
        {"id": ID, "from": "5531988889999@wa.gw.msging.net", "type": "text/plain", "content": "Oi"},
        {},
    ],
)
def test_what_is_no_report_or_of_no_dispatch_is_left_out(body: Any) -> None:
    assert reports(body) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff"])
def test_what_cannot_be_read_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        reports(body)


def test_secrets_are_taken_out_of_what_is_stored() -> None:
    assert CANARY.encode() not in TRANSPORT.redact(settings(webhook=WEBHOOK), b'{"a":"' + CANARY.encode() + b'"}')


def test_reports_are_awaited_only_where_they_can_be_believed() -> None:
    url = "https://prism.example.com/webhooks/p"
    assert TRANSPORT.awaits_reports(msgspec.structs.replace(settings(webhook=WEBHOOK), webhook_url=url))
    assert not TRANSPORT.awaits_reports(msgspec.structs.replace(settings(), webhook_url=url))
