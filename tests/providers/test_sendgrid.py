"""SendGrid: what goes out for every key of its configuration, and what each of its answers means."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from providers import verdicts
from providers.messages import Message, WireRequest
from providers.outcomes import SPOILT, Kind, Outcome
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Unsendable, sendgrid
from tests.providers import makers
from tests.providers.makers import answer, message

TRANSPORT = sendgrid.transport
TEMPLATE = "d-0123456789abcdef0123456789abcdef"
MESSAGE_ID = "LRzXl_NHStOGhQ4kofSm_A"
MAIL = {"to": "ana@example.com", "subject": "Hi", "body": "Olá"}


def settings(changes: dict[str, Any] | None = None, *, only: dict[str, Any] | None = None) -> ProviderSettings:
    """The example's configuration; a change to None takes the key away. `only`: with nothing but what must be."""
    plain = {"sender": {"email": "no-reply@brand.com"}, "api_key_env_var": "SENDGRID_API_KEY", **(only or {})}
    configuration = plain if only is not None else {**TRANSPORT.example, **(changes or {})}
    return makers.settings({key: value for key, value in configuration.items() if value is not None}, "EMAIL")


def mail(number: int = 1, **fields: Any) -> Message:
    return message(**{"dispatch_id": f"d-{number}", **MAIL, **fields})


def build(only: dict[str, Any] | None = None, *messages: Message) -> WireRequest:
    return TRANSPORT.build(settings(only=only or {}), messages or [mail()])


def body_of(only: dict[str, Any] | None = None, *messages: Message) -> Any:
    return json.loads(build(only, *messages).body)


def parse(status: int, errors: Any = None, *, count: int = 1, **headers: str) -> list[Outcome]:
    body = errors if isinstance(errors, bytes) else json.dumps({"errors": errors or []}).encode()
    given = answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return TRANSPORT.parse(settings(), [mail(number) for number in range(count)], given)


def problems(changes: dict[str, Any]) -> dict[str, str]:
    configuration = {key: value for key, value in {**TRANSPORT.example, **changes}.items() if value is not None}
    return dict(validate_configuration("EMAIL", configuration, allow_list=makers.ALLOW_LIST))


def test_a_message_goes_out_byte_by_byte_so() -> None:
    request = TRANSPORT.build(settings(), [message(**MAIL)])
    assert (request.method, request.url) == ("POST", "https://api.sendgrid.com/v3/mail/send")
    assert request.headers == (
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        f"Authorization: Bearer {makers.CANARY}",
    )
    assert request.wants_headers
    assert request.body.decode() == (
        '{"personalizations":[{"to":[{"email":"ana@example.com"}],'
        '"custom_args":{"dispatch":"0198f3a0-0000-7000-8000-000000000001"}}],'
        '"from":{"email":"noreply@ifood.com.br","name":"iFood Growth Team"},'
        '"subject":"Hi","content":[{"type":"text/plain","value":"Olá"}],'
        '"tracking_settings":{"click_tracking":{"enable":true},"open_tracking":{"enable":true}}}'
    )


def test_a_template_of_sendgrids_gets_the_variables_in_place_of_our_text() -> None:
    dynamic = {"dynamic_templates": {"welcome": TEMPLATE}}
    body = body_of(dynamic, mail(template_code="welcome", variables={"first": "Ana"}))
    assert body["personalizations"][0] == {
        "to": [{"email": "ana@example.com"}],
        "dynamic_template_data": {"subject": "Hi", "first": "Ana"},
        "custom_args": {"dispatch": "d-1"},
    }
    assert body["template_id"] == TEMPLATE
    assert not {"subject", "content"} & set(body)
    assert "content" in body_of(dynamic, mail(template_code="another"))
    own = body_of(dynamic, mail(template_code="welcome", variables={"subject": "theirs"}))
    assert own["personalizations"][0]["dynamic_template_data"] == {"subject": "theirs"}


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"sender": {"email": "a@b.example", "name": "Zé"}}, {"from": {"email": "a@b.example", "name": "Zé"}}),
        ({"reply_to": {"email": "sac@b.example"}}, {"reply_to": {"email": "sac@b.example"}}),
        ({"categories": ["camp_42", "vip"]}, {"categories": ["camp_42", "vip"]}),
        ({"asm": {"group_id": 7}}, {"asm": {"group_id": 7}}),
        ({"sandbox_mode": True}, {"mail_settings": {"sandbox_mode": {"enable": True}}}),
        ({"sandbox_mode": False}, {"mail_settings": None}),
        (
            {"tracking": {}},
            {"tracking_settings": {"click_tracking": {"enable": True}, "open_tracking": {"enable": True}}},
        ),
        (
            {"tracking": {"enabled": False, "click_tracking": True}},
            {"tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}}},
        ),
        (
            {"tracking": {"click_tracking": False, "open_tracking": True}},
            {"tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": True}}},
        ),
        ({}, {"tracking_settings": None, "headers": None, "reply_to": None, "categories": None, "asm": None}),
        (
            {"list_unsubscribe": {"mailto": "out@b.example"}},
            {"headers": {"List-Unsubscribe": "<mailto:out@b.example?subject=unsubscribe>"}},
        ),
        (
            {"list_unsubscribe": {"url": "https://b.example/out", "mailto": "out@b.example"}},
            {
                "headers": {
                    "List-Unsubscribe": "<mailto:out@b.example?subject=unsubscribe>, <https://b.example/out>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                }
            },
        ),
    ],
)
def test_each_key_changes_the_request(configuration: dict[str, Any], expected: dict[str, Any]) -> None:
    body = body_of(configuration)
    assert {key: body.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("configuration", "address"),
    [
        ({}, "https://api.sendgrid.com"),
        ({"region": "global"}, "https://api.sendgrid.com"),
        ({"region": "eu"}, "https://api.eu.sendgrid.com"),
        ({"api_url": "http://127.0.0.1:8025/sendgrid/"}, "http://127.0.0.1:8025/sendgrid"),
    ],
)
def test_the_address_is_the_regions_or_ones_own(configuration: dict[str, Any], address: str) -> None:
    assert build(configuration).url == f"{address}/v3/mail/send"
    health = TRANSPORT.health_request(settings(only=configuration))
    assert health is not None
    assert (health.method, health.url) == ("GET", f"{address}/v3/scopes")


def test_the_time_outs_of_the_configuration_reach_the_wire() -> None:
    request = build({"timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


def test_html_goes_out_with_a_text_before_it() -> None:
    html = mail(body="<p>Olá <b>Ana</b></p>")
    assert body_of({}, html)["content"] == [
        {"type": "text/plain", "value": "Olá Ana\n"},
        {"type": "text/html", "value": "<p>Olá <b>Ana</b></p>"},
    ]
    assert [part["type"] for part in body_of({"html": False}, html)["content"]] == ["text/plain"]
    assert [part["type"] for part in body_of({"html": True}, mail())["content"]] == ["text/plain", "text/html"]


def test_a_media_file_is_linked() -> None:
    body = body_of({}, mail(media_url="https://cdn.example.com/a.png"))
    assert "https://cdn.example.com/a.png" in body["content"][0]["value"]


def test_html_that_says_nothing_to_read_goes_out_without_a_text() -> None:
    body = body_of({}, mail(body='<p><img src="https://cdn.example.com/a.png"></p>'))
    assert [part["type"] for part in body["content"]] == ["text/html"]


def test_an_address_for_one_click_can_be_each_persons_own() -> None:
    block = {"list_unsubscribe": {"url": "https://b.example/out?d={{dispatch_id}}&e={{email}}&v={{vip}}&n={{none}}"}}
    body = body_of(block, mail(1, variables={"vip": "sim & não"}), mail(2, to="zé@b.example"))
    own = [one["headers"] for one in body["personalizations"]]
    assert [one["List-Unsubscribe"] for one in own] == [
        "<https://b.example/out?d=d-1&e=ana%40example.com&v=sim%20%26%20n%C3%A3o&n=>",
        "<https://b.example/out?d=d-2&e=z%C3%A9%40b.example&v=&n=>",
    ]
    assert {one["List-Unsubscribe-Post"] for one in own} == {"List-Unsubscribe=One-Click"}
    assert "headers" not in body


def test_messages_with_the_same_content_share_a_request() -> None:
    body = body_of({}, mail(1), mail(2, to="b@example.com"))
    assert body["personalizations"] == [
        {"to": [{"email": "ana@example.com"}], "custom_args": {"dispatch": "d-1"}},
        {"to": [{"email": "b@example.com"}], "custom_args": {"dispatch": "d-2"}},
    ]
    key = TRANSPORT.group_key(settings(), mail(1))
    assert key == TRANSPORT.group_key(settings(), mail(2, to="b@example.com", variables={"x": "y"}))
    for other in ({"subject": "Ho"}, {"body": "Oi"}, {"media_url": "https://b.example/a.png"}):
        assert key != TRANSPORT.group_key(settings(), mail(1, **other))


def test_a_template_of_sendgrids_is_shared_whatever_the_variables_say() -> None:
    dynamic = settings({"dynamic_templates": {"welcome": TEMPLATE}})
    keys = {
        TRANSPORT.group_key(dynamic, mail(1, template_code="welcome", body=body, variables={"a": body}))
        for body in ("x", "y")
    }
    assert len(keys) == 1


@pytest.mark.parametrize(("batch", "size"), [(None, 100), ({"max_messages": 1}, 1), ({"max_messages": 1000}, 1000)])
def test_a_request_holds_as_many_as_the_configuration_says(batch: dict[str, Any] | None, size: int) -> None:
    assert TRANSPORT.batch_size_of(settings({"batch": batch})) == size


@pytest.mark.parametrize(
    ("fields", "kind", "reason"),
    [
        ({"to": "nobody"}, Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        ({"to": "a@b"}, Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        ({"to": "a b@example.com"}, Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        ({"to": "a@example.com, b@example.com"}, Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        ({"to": "x" * 65 + "@example.com"}, Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        ({"to": ""}, Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        ({"subject": None}, Kind.REJECTED, "NO_SUBJECT"),
        ({"subject": "  "}, Kind.REJECTED, "NO_SUBJECT"),
        ({"body": "\n"}, Kind.REJECTED, "NO_CONTENT"),
    ],
)
def test_what_sendgrid_would_refuse_goes_nowhere(fields: dict[str, Any], kind: Kind, reason: str) -> None:
    with pytest.raises(Unsendable) as refusal:
        build({}, mail(**fields))
    assert (refusal.value.kind, refusal.value.reason) == (kind, reason)
    assert fields.get("to") != refusal.value.error


def test_of_a_group_the_bad_address_is_named() -> None:
    with pytest.raises(Unsendable) as refusal:
        build({}, mail(1), mail(2, to="nobody"), mail(3))
    assert refusal.value.index == 1


def test_202_is_taken_under_the_id_of_the_request() -> None:
    (outcome,) = parse(202, b"", x_message_id=f" {MESSAGE_ID} ")
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, MESSAGE_ID)


def test_each_of_a_group_has_an_id_of_its_own() -> None:
    outcomes = parse(202, b"", count=3, x_message_id=MESSAGE_ID)
    assert [outcome.message_id for outcome in outcomes] == [f"{MESSAGE_ID}+d-{number}" for number in range(3)]


@pytest.mark.parametrize(
    ("status", "reason"), [(202, "NO_MESSAGE_ID"), (200, "UNREADABLE_ANSWER"), (204, "UNREADABLE_ANSWER")]
)
def test_what_sendgrid_does_not_say_is_unknown(status: int, reason: str) -> None:
    assert [(one.kind, one.reason) for one in parse(status, b"<html>", count=2)] == [(Kind.UNKNOWN, reason)] * 2


def test_in_sandbox_mode_a_200_is_taken() -> None:
    sandbox = settings({"sandbox_mode": True})
    (outcome,) = TRANSPORT.parse(sandbox, [mail()], answer(200))
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, "sandbox-d-1")


@pytest.mark.parametrize(
    ("status", "field", "kind", "reason"),
    [
        (400, "personalizations.0.to.0.email", Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        (400, "personalizations.0.to", Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        (400, "personalizations.0.dynamic_template_data", Kind.REJECTED, "TEMPLATE_REJECTED"),
        (400, "personalizations.0.send_at", Kind.REJECTED, "PERSONALIZATION_REFUSED"),
        (400, "personalizations.0", Kind.REJECTED, "PERSONALIZATION_REFUSED"),
        (400, "personalizations", Kind.REJECTED, "BAD_REQUEST"),
        (400, "content.0.value", Kind.REJECTED, "CONTENT_REFUSED"),
        (400, "subject", Kind.REJECTED, "CONTENT_REFUSED"),
        (400, "template_id", Kind.REJECTED, "TEMPLATE_REJECTED"),
        (400, "from.email", Kind.CONFIGURATION, "SENDER_REFUSED"),
        (400, "reply_to.email", Kind.CONFIGURATION, "REPLY_TO_REFUSED"),
        (400, "asm.group_id", Kind.CONFIGURATION, "UNSUBSCRIBE_GROUP_REFUSED"),
        (400, "categories", Kind.CONFIGURATION, "CATEGORIES_REFUSED"),
        (400, "headers", Kind.CONFIGURATION, "HEADERS_REFUSED"),
        (400, "tracking_settings", Kind.CONFIGURATION, "SETTINGS_REFUSED"),
        (400, None, Kind.REJECTED, "BAD_REQUEST"),
        (400, 7, Kind.REJECTED, "BAD_REQUEST"),
        (401, None, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (403, "from", Kind.CONFIGURATION, "FORBIDDEN"),
        (404, None, Kind.CONFIGURATION, "NOT_FOUND"),
        (405, None, Kind.CONFIGURATION, "METHOD_NOT_ALLOWED"),
        (413, None, Kind.REJECTED, "CONTENT_TOO_LONG"),
        (429, None, Kind.DEFERRED, "RATE_LIMITED"),
        (500, None, Kind.DEFERRED, "UNAVAILABLE"),
        (502, None, Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, None, Kind.DEFERRED, "UNAVAILABLE"),
        (504, None, Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
    ],
)
def test_each_error_has_its_meaning(status: int, field: Any, kind: Kind, reason: str) -> None:
    (outcome,) = parse(status, [{"message": "no", "field": field, "help": None}])
    assert (outcome.kind, outcome.reason, outcome.error) == (kind, reason, "no")


@pytest.mark.parametrize("status", [400, 401, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>sorry</html>", b'{"errors":7}', b'{"errors":[7]}', b"[]"])
def test_an_error_without_words_is_told_by_its_status(status: int, body: bytes) -> None:
    (outcome,) = parse(status, body)
    assert outcome.kind is not Kind.ACCEPTED
    assert outcome.error == f"HTTP {status}"


def test_a_plan_that_is_used_up_is_told_from_a_bad_key() -> None:
    (outcome,) = parse(401, [{"message": "Maximum credits exceeded", "field": None}])
    assert (outcome.kind, outcome.reason) == (Kind.CONFIGURATION, "CREDITS_EXCEEDED")


def test_only_the_named_ones_of_a_group_fail_and_the_others_go_out_again() -> None:
    outcomes = parse(
        400,
        [
            {"message": "Does not contain a valid address.", "field": "personalizations.1.to.0.email"},
            {"message": "no", "field": "personalizations.3.dynamic_template_data"},
            {"message": "no", "field": "personalizations.99.to"},
        ],
        count=4,
    )
    assert [(one.kind, one.reason) for one in outcomes] == [
        (Kind.DEFERRED, SPOILT),
        (Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
        (Kind.DEFERRED, SPOILT),
        (Kind.REJECTED, "TEMPLATE_REJECTED"),
    ]


def test_what_is_wrong_with_all_of_a_group_is_told_to_all() -> None:
    errors = [{"message": "no", "field": "personalizations.0.to"}, {"message": "bad", "field": "from"}]
    outcomes = parse(400, errors, count=2)
    assert [(one.kind, one.reason) for one in outcomes] == [(Kind.CONFIGURATION, "SENDER_REFUSED")] * 2


@pytest.mark.parametrize(("status", "body"), [(400, b"<html>"), (400, b'{"errors":[{"field":null}]}'), (413, b"")])
def test_a_group_that_is_refused_for_nobody_knows_whom_is_taken_apart(status: int, body: bytes) -> None:
    assert [one.reason for one in parse(status, body, count=2)] == [SPOILT] * 2


def test_a_group_waits_together() -> None:
    assert {one.reason for one in parse(429, count=3, retry_after="2")} == {"RATE_LIMITED"}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"x_ratelimit_reset": "1792533630", "date": "Tue, 20 Oct 2026 22:00:00 GMT"}, 30.0),
        ({"x_ratelimit_reset": "1792533500", "date": "Tue, 20 Oct 2026 22:00:00 GMT"}, 0.0),
        ({"x_ratelimit_reset": "9999999999", "date": "Tue, 20 Oct 2026 22:00:00 GMT"}, 86_400.0),
        ({"x_ratelimit_reset": "1"}, 0.0),
        ({"x_ratelimit_reset": "999999999999", "date": "today"}, 86_400.0),
        ({"x_ratelimit_reset": "9999999999999", "date": "today"}, None),
        ({"x_ratelimit_reset": "soon", "date": "Tue, 20 Oct 2026 22:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_a_limit_says_until_when_by_the_vendors_own_clock(headers: dict[str, str], wait: float | None) -> None:
    limited = answer(429, b"", {name.replace("_", "-"): value for name, value in headers.items()})
    (outcome,) = TRANSPORT.parse(settings(), [mail()], limited)
    assert outcome.retry_after == wait


@pytest.mark.parametrize(
    ("scopes", "code"), [(["mail.send", "alerts.read"], verdicts.OK), (["alerts.read"], verdicts.FORBIDDEN)]
)
def test_a_key_is_good_only_where_it_may_send(scopes: list[str], code: str) -> None:
    body = json.dumps({"scopes": scopes}).encode()
    verdict = TRANSPORT.read_health(settings(), answer(200, body))
    assert (verdict.code, verdict.ok) == (code, code == verdicts.OK)
    assert TRANSPORT.read_health(settings(), answer(401)).code == verdicts.UNAUTHORIZED


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"sender": None}, "sender"),
        ({"sender": {"email": "nobody"}}, "sender.email"),
        ({"sender": {"email": "a@b.example", "name": "x\r\nBcc: y@z.example"}}, "sender.name"),
        ({"api_key_env_var": None}, "api_key_env_var"),
        ({"api_key_secret": "sg"}, "api_key_secret"),
        ({"api_key": "SG.x"}, "api_key"),
        ({"region": "mars"}, "region"),
        ({"region": "eu", "api_url": "https://sg.example"}, "api_url"),
        ({"categories": [str(number) for number in range(11)]}, "categories"),
        ({"asm": {}}, "asm.group_id"),
        ({"batch": {"max_messages": 1001}}, "batch.max_messages"),
        ({"dynamic_templates": {"welcome": "welcome"}}, "dynamic_templates.welcome"),
        ({"list_unsubscribe": {}}, "list_unsubscribe"),
        ({"list_unsubscribe": {"url": "http://b.example/out"}}, "list_unsubscribe.url"),
        ({"list_unsubscribe": {"url": "https://b.example/>out"}}, "list_unsubscribe.url"),
        ({"list_unsubscribe": {"mailto": "out"}}, "list_unsubscribe.mailto"),
        ({"event_webhook": {}}, "event_webhook.key_env_var"),
        ({"event_webhook": {"public_key": "A" * 100}}, "event_webhook.public_key"),
        ({"timeout_ms": 500, "connect_timeout_ms": 900}, "connect_timeout_ms"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_named(changes: dict[str, Any], path: str) -> None:
    assert path in problems(changes)


def test_the_address_for_unsubscribing_is_no_host_of_the_credential() -> None:
    configuration = {**TRANSPORT.example, "list_unsubscribe": {"url": "https://brand.example/out?d={{dispatch_id}}"}}
    allowed = ["SENDGRID_API_KEY@api.sendgrid.com"]
    assert validate_configuration("EMAIL", configuration, allow_list=allowed) == []


def test_a_report_is_awaited_only_where_one_can_be_heard() -> None:
    assert not TRANSPORT.awaits_reports(msgspec.structs.replace(settings(), webhook_url="https://p.example/w"))
