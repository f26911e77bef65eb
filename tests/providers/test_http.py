"""Declarative HTTP: what each key of a configuration does to the request, the answer and the vendor's calls."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Unsendable, http
from providers.transports.http.reports import moment
from tests.providers import makers
from tests.providers.makers import answer, message

TRANSPORT = http.transport
HOOK = "https://prism.example.com/webhooks/0198f3a0-0000-7000-8000-00000000000a"
DISPATCH = message().dispatch_id
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
NONE = {"authentication": {"type": "none"}}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def settings(changes: dict[str, Any] | None = None) -> ProviderSettings:
    """The example; a change to None takes the key away."""
    configuration = {**TRANSPORT.example, **(changes or {})}
    configuration = {key: value for key, value in configuration.items() if value is not None}
    return msgspec.structs.replace(makers.settings(configuration, "SMS"), webhook_url=HOOK)


def build(changes: dict[str, Any] | None = None, **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings(changes), [message(**fields)])


def body_of(request: WireRequest) -> Any:
    return json.loads(request.body)


def parse(status: int, body: Any, changes: dict[str, Any] | None = None, **headers: str) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = answer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})
    (outcome,) = TRANSPORT.parse(settings(changes), [message()], given)
    return outcome


def problems(changes: dict[str, Any]) -> dict[str, str]:
    return dict(validate_configuration("SMS", settings(changes).configuration, allow_list=makers.ALLOW_LIST))


# The request


def test_a_message_of_the_example_goes_out_byte_by_byte_so() -> None:
    request = build(body='Olá "Ana"\n👋')
    assert (request.method, request.url) == ("POST", "https://api.sms-vendor.example/v2/channels/sms/messages")
    assert request.headers == (
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        f"X-API-TOKEN: {makers.CANARY}",
    )
    assert (
        request.body
        == (
            '{"from":"prism","to":"5511988887777","externalId":"0198f3a0-0000-7000-8000-000000000001",'
            '"contents":[{"type":"text","text":"Olá \\"Ana\\"\\n👋"}]}'
        ).encode()
    )


def test_each_placeholder_has_its_value() -> None:
    names = ("to", "body", "subject", "template_code", "media_url", "dispatch_id", "correlation_id", "channel")
    template: dict[str, Any] = {name: f"{{{{{name}}}}}" for name in (*names, "callback_url", "variables")}
    template |= {
        "one": "{{ variables.nome }}",
        "text": "Oi {{variables.nome}}{{variables.none}}!",
        "flag": True,
        "n": 1.5,
    }
    fields = {
        "subject": "Oferta",
        "template_code": "tpl",
        "media_url": "https://cdn.example.com/a.png",
        "variables": {"nome": "Ana", "x": "{{to}}"},
    }
    assert body_of(build({"body": template}, **fields)) == {
        "to": "5511988887777",
        "body": "Olá Ana",
        "subject": "Oferta",
        "template_code": "tpl",
        "media_url": "https://cdn.example.com/a.png",
        "dispatch_id": DISPATCH,
        "correlation_id": "corr-1",
        "channel": "WHATSAPP",
        "callback_url": f"{HOOK}/reports",
        "variables": {"nome": "Ana", "x": "{{to}}"},
        "one": "Ana",
        "text": "Oi Ana!",
        "flag": True,
        "n": 1.5,
    }


def test_what_has_no_value_is_left_out_with_its_key() -> None:
    template = {"to": "{{to}}", "media": "{{media_url}}", "all": "{{variables}}", "list": ["{{subject}}", "{{body}}"]}
    assert body_of(build({"body": template})) == {"to": "5511988887777", "list": ["Olá Ana"]}
    assert body_of(build({"body": ["{{to}}", {"a": "{{subject}}"}]})) == ["5511988887777", {}]


@given(TEXT, TEXT)
def test_a_value_never_changes_the_shape_of_a_request(body: str, name: str) -> None:
    values = {"body": body, "variables": {"n": name}}
    sent = body_of(build({"body": {"to": "{{to}}", "t": "a {{body}} {{variables.n}}"}}, **values))
    assert sent == {"to": "5511988887777", "t": f"a {body} {name}"}
    form = build({"body": None, "form": {"to": "{{to}}", "t": "a {{body}} {{variables.n}}"}}, **values)
    assert dict(parse_qsl(form.body.decode(), keep_blank_values=True)) == {
        "to": "5511988887777",
        "t": f"a {body} {name}",
    }
    lines = build({"headers": {"X-Text": "a {{body}}"}}, **values).headers
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert sum(line.startswith("X-Text: a ") for line in lines) == 1
    if body not in ("", ".", ".."):
        url = build({"url": "https://api.example.com/v1/{{body}}/send"}, **values).url
        assert len(urlsplit(url).path.split("/")) == 4
        assert (urlsplit(url).netloc, urlsplit(url).query, urlsplit(url).fragment) == ("api.example.com", "", "")
    asked = build({"query": {"t": "{{body}}", "to": "{{to}}"}}, **values)
    assert dict(parse_qsl(urlsplit(asked.url).query)).get("t", "") == body


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_that_would_lead_out_of_the_address_is_refused(value: str) -> None:
    with pytest.raises(Unsendable) as refused:
        build({"url": "https://api.example.com/v1/{{variables.id}}/send"}, variables={"id": value})
    assert (refused.value.kind, refused.value.reason) == (Kind.REJECTED, "INVALID_VALUE")


def test_a_form_leaves_out_what_is_empty_and_says_what_it_is() -> None:
    request = build({"body": None, "form": {"numero": "{{to}}", "msg": "{{body}}", "titulo": "{{subject}}"}})
    assert request.body == b"numero=5511988887777&msg=Ol%C3%A1+Ana"
    assert request.headers[0] == "Content-Type: application/x-www-form-urlencoded"


def test_a_get_has_all_in_its_address() -> None:
    request = build({"method": "GET", "body": None, "query": {"to": "{{to}}", "msg": "{{body}}", "s": "{{subject}}"}})
    assert (request.method, request.body) == ("GET", b"")
    assert request.url.endswith("/messages?to=5511988887777&msg=Ol%C3%A1+Ana")
    more = build({"url": "https://api.example.com/send?v=2", "query": {"to": "{{to}}"}})
    assert more.url == "https://api.example.com/send?v=2&to=5511988887777"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_the_method_is_the_configuration_s(method: str) -> None:
    assert build({"method": method}).method == method


@pytest.mark.parametrize(
    ("authentication", "line"),
    [
        ({"type": "bearer_token", "token_env_var": makers.VARIABLE}, f"Authorization: Bearer {makers.CANARY}"),
        (
            {"type": "header", "header_name": "Authorization", "scheme": "App", "token_env_var": makers.VARIABLE},
            f"Authorization: App {makers.CANARY}",
        ),
        (
            {"type": "basic", "username": "ana", "token_env_var": makers.VARIABLE},
            f"Authorization: Basic {base64.b64encode(f'ana:{makers.CANARY}'.encode()).decode()}",
        ),
    ],
)
def test_each_way_to_sign_in_has_its_header(authentication: dict[str, Any], line: str) -> None:
    assert line in build({"authentication": authentication}).headers
    assert problems({"authentication": authentication}) == {}
    echoed = parse(400, {"message": line.rpartition(" ")[2], "code": 7}, {"authentication": authentication})
    assert line.rpartition(" ")[2] not in repr(echoed)


def test_a_token_can_go_into_a_field_of_the_body_or_nowhere() -> None:
    field = {"authentication": {"type": "field", "field_name": "key", "token_env_var": makers.VARIABLE}}
    assert body_of(build(field))["key"] == makers.CANARY
    form = {**field, "body": None, "form": {"to": "{{to}}"}}
    assert dict(parse_qsl(build(form).body.decode()))["key"] == makers.CANARY
    assert makers.CANARY not in "".join(build(field).headers)
    nowhere = build(NONE)
    assert makers.CANARY not in "".join(nowhere.headers) + nowhere.body.decode()


@pytest.mark.parametrize(
    ("wanted", "to", "address"),
    [
        ("digits", "+55 (11) 98888-7777", "5511988887777"),
        ("e164", "11 98888-7777", "+5511988887777"),
        ("as_is", " ana@example.com ", "ana@example.com"),
    ],
)
def test_an_address_is_spelled_as_the_vendor_wants_it(wanted: str, to: str, address: str) -> None:
    assert body_of(build({"address_format": wanted}, to=to))["to"] == address


@pytest.mark.parametrize(("wanted", "to"), [("digits", "ana"), ("e164", ""), ("as_is", " ")])
def test_what_is_no_address_is_refused_without_a_request(wanted: str, to: str) -> None:
    with pytest.raises(Unsendable) as refused:
        build({"address_format": wanted}, to=to)
    assert (refused.value.kind, refused.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_ADDRESS")


def test_the_contact_field_of_the_address_can_be_another() -> None:
    assert settings().address_attribute == "phone_number"
    assert settings({"address_attribute": "work_phone"}).address_attribute == "work_phone"
    other = makers.settings({**makers.GATEWAY, "address_attribute": "work_phone"}, "SMS")
    assert other.address_attribute == "phone_number", "only where the vendor's schema has the key"


def test_the_time_outs_of_the_configuration_reach_the_wire() -> None:
    request = build({"timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


# The configuration


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"url": "https://{{to}}.example.com/send"}, "url"),
        ({"url": "https://api.example.com/{{nobody}}"}, "url"),
        ({"url": "https://api.example.com/send?apikey=123"}, "url"),
        ({"body": {"to": "{{to}}", "x": ["{{who}}"]}}, "body.x"),
        ({"body": {"x": "y"}}, "body"),
        ({"body": "text"}, "body"),
        ({"form": {"to": "{{to}}"}}, "form"),
        ({"method": "GET"}, "body"),
        ({"headers": {"Content-Type": "text/plain"}}, "headers.Content-Type"),
        ({"headers": {"X Y": "a"}}, "headers.X Y"),
        ({"headers": {"X-Api-Key": "abc"}}, "headers.X-Api-Key"),
        ({"headers": {"X-{{to}}": "abc"}}, "headers.X-{{to}}"),
        ({"query": {"to": "{{too}}"}}, "query.to"),
        ({"query": {"token": "abc"}}, "query.token"),
        ({"body": {"to": "{{to}}", "password": "hunter2"}}, "body.password"),
        ({"authentication": {"type": "none", "token_env_var": makers.VARIABLE}}, "authentication.token_env_var"),
        ({"authentication": {"type": "bearer_token"}}, "authentication.token_env_var"),
        ({"authentication": {"type": "header", "token_env_var": makers.VARIABLE}}, "authentication.header_name"),
        (
            {"authentication": {"type": "header", "header_name": "Host", "token_env_var": makers.VARIABLE}},
            "authentication.header_name",
        ),
        (
            {"authentication": {"type": "basic", "username": "a:b", "token_env_var": makers.VARIABLE}},
            "authentication.username",
        ),
        (
            {"authentication": {"type": "bearer_token", "scheme": "App", "token_env_var": makers.VARIABLE}},
            "authentication.scheme",
        ),
        (
            {
                "authentication": {"type": "field", "field_name": "k", "token_env_var": makers.VARIABLE},
                "body": ["{{to}}"],
            },
            "authentication.type",
        ),
        (
            {
                "authentication": {"type": "field", "field_name": "key", "token_env_var": makers.VARIABLE},
                "body": {"key": "{{to}}"},
            },
            "body.key",
        ),
        ({"headers": {"x-api-token": "{{dispatch_id}}"}}, "headers.x-api-token"),
        (
            {
                "authentication": {"type": "bearer_token", "token_env_var": makers.VARIABLE},
                "headers": {"authorization": "{{to}}"},
            },
            "headers.authorization",
        ),
        ({"answer": {}}, "answer.message_id"),
        ({"answer": {"message_id": "id", "message_id_header": "X-Id"}}, "answer.message_id_header"),
        ({"answer": {"id_is_ours": True}, "body": {"to": "{{to}}"}}, "answer.id_is_ours"),
        ({"answer": {"message_id": "a..b"}}, "answer.message_id"),
        ({"statuses": {"accepted": ["2xx"]}}, "statuses.accepted.0"),
        ({"error_codes": {"lost": ["1"]}}, "error_codes.lost"),
        ({"idempotent": True, "body": {"to": "{{to}}"}}, "idempotent"),
        ({"address_attribute": "Work Phone"}, "address_attribute"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_cannot_work_is_refused_with_its_path(changes: dict[str, Any], path: str) -> None:
    assert path in problems(changes)


def test_a_key_that_is_named_like_a_credential_may_hold_a_placeholder() -> None:
    assert problems({"body": {"token": "{{to}}", "text": "{{body}}"}, "address_format": None}) == {}
    assert "body.token" in problems({"body": {"token": "{{to}} and more", "text": "{{body}}"}})


def reports(**changes: Any) -> dict[str, Any]:
    given = {**TRANSPORT.example["reports"], **changes}
    return {"reports": {key: value for key, value in given.items() if value is not None}}


HMAC = {"type": "hmac", "header_name": "X-Signature", "token_env_var": makers.VARIABLE}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        (reports(authentication={"type": "header", "header_name": "X"}), "reports.authentication.token_env_var"),
        (reports(authentication={**HMAC, "scheme": "Bearer"}), "reports.authentication.scheme"),
        (reports(authentication={**HMAC, "type": "header", "prefix": "x="}), "reports.authentication.prefix"),
        (reports(authentication={**HMAC, "algorithm": "md5"}), "reports.authentication.algorithm"),
        (reports(message_id=None), "reports.message_id"),
        (reports(status=None), "reports.status"),
        (reports(meanings=None), "reports.meanings"),
        (reports(meanings={"lost": ["x"]}), "reports.meanings.lost"),
    ],
)
def test_reports_that_cannot_be_read_are_refused_with_their_path(changes: dict[str, Any], path: str) -> None:
    assert path in problems(changes)


def test_a_provider_may_have_no_reports() -> None:
    assert problems({"reports": None}) == {}
    assert not TRANSPORT.awaits_reports(settings({"reports": None}))
    assert TRANSPORT.awaits_reports(settings())


# The answer


def test_a_taken_message_is_known_by_the_id_that_the_configuration_points_at() -> None:
    assert parse(200, {"id": " m-1 "}) == Outcome(Kind.ACCEPTED, message_id="m-1", response={"id": " m-1 "})
    deep = {"answer": {"message_id": "data.0.id"}}
    assert parse(202, {"data": [{"id": 7}]}, deep).message_id == "7"
    assert parse(200, {"data": []}, deep).reason == "NO_MESSAGE_ID"
    assert parse(200, b"<html>").kind is Kind.UNKNOWN
    in_header = {"answer": {"message_id_header": "X-Message-Id"}}
    assert build(in_header).wants_headers
    assert not build().wants_headers
    assert parse(202, b"", in_header, x_message_id="h-1").message_id == "h-1"
    assert parse(204, b"", {"answer": {"id_is_ours": True}}).message_id == DISPATCH


@pytest.mark.parametrize("code", [0, "0", "000", "OK", "", None, "success"])
def test_a_code_that_says_that_there_is_no_error_is_none(code: Any) -> None:
    assert parse(200, {"id": "m-1", "code": code}).kind is Kind.ACCEPTED


CODES = {"error_codes": {"accepted": ["1", "DUPLICATE"], "deferred": ["BUSY"], "unknown": ["E9"], "opted_out": ["42"]}}


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason"),
    [
        (200, "1", Kind.ACCEPTED, ""),
        (409, "duplicate", Kind.ACCEPTED, ""),
        (200, "busy", Kind.DEFERRED, "BUSY"),
        (500, "busy", Kind.DEFERRED, "BUSY"),
        (400, "e9", Kind.UNKNOWN, "E9"),
        (400, 42, Kind.OPTED_OUT, "42"),
        (200, "OPT-OUT", Kind.OPTED_OUT, "OPT_OUT"),
        (422, "invalid number", Kind.RECIPIENT_INVALID, "INVALID_NUMBER"),
        (200, "E1", Kind.UNKNOWN, "E1"),
        (200, 200, Kind.ACCEPTED, ""),
        (201, 200, Kind.UNKNOWN, "200"),
        (400, "E1", Kind.REJECTED, "E1"),
        (400, None, Kind.REJECTED, "HTTP_400"),
        (401, "E1", Kind.CONFIGURATION, "UNAUTHORIZED"),
        (429, "E1", Kind.DEFERRED, "RATE_LIMITED"),
        (500, "E1", Kind.UNKNOWN, "HTTP_500"),
        (502, None, Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, None, Kind.DEFERRED, "UNAVAILABLE"),
        (301, None, Kind.CONFIGURATION, "HTTP_301"),
    ],
)
def test_a_code_says_more_than_a_status(status: int, code: Any, kind: Kind, reason: str) -> None:
    outcome = parse(status, {"id": "m-1", "code": code, "message": "Não."}, CODES)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error == (None if kind is Kind.ACCEPTED else "Não.")


def test_an_error_without_a_message_was_not_taken() -> None:
    assert parse(200, {"code": "E1"}).kind is Kind.REJECTED


def test_a_status_can_mean_something_else_at_this_vendor() -> None:
    own = {"statuses": {"accepted": ["409"], "deferred": ["500"], "rejected": ["202"], "opted_out": ["451"]}}
    assert parse(409, {"id": "m-1"}, own).kind is Kind.ACCEPTED
    assert parse(500, b"<html>", own).kind is Kind.DEFERRED
    assert parse(202, {"id": "m-1"}, own).kind is Kind.REJECTED
    assert parse(451, {"code": "E1"}, own).kind is Kind.OPTED_OUT
    assert parse(200, {"id": "m-1"}, own).kind is Kind.ACCEPTED


def test_a_wait_is_taken_from_the_header_or_from_where_the_configuration_points() -> None:
    own = {"answer": {"message_id": "id", "retry_after": "wait.s"}}
    assert parse(429, {"wait": {"s": "4"}}, own).retry_after == 4
    assert parse(429, {"wait": {"s": "4"}}, own, retry_after="9").retry_after == 9


def test_health_is_its_address_or_a_knock_at_the_server() -> None:
    knock = TRANSPORT.health_request(settings({"url": "https://api.example.com/v1/{{to}}/send"}))
    assert knock is not None
    assert (knock.method, knock.url) == ("HEAD", "https://api.example.com/")
    asked = TRANSPORT.health_request(settings({"health_url": "https://api.example.com/me"}))
    assert asked is not None
    assert (asked.method, asked.url) == ("GET", "https://api.example.com/me")
    assert f"X-API-TOKEN: {makers.CANARY}" in asked.headers


def test_a_password_is_not_shown_where_a_health_answer_repeats_the_header() -> None:
    own = settings({"authentication": {"type": "basic", "username": "ana", "token_env_var": makers.VARIABLE}})
    sent = base64.b64encode(f"ana:{makers.CANARY}".encode())
    assert sent.decode() not in TRANSPORT.read_health(own, answer(500, b"Authorization: Basic " + sent)).detail


# The reports


def call(body: Any, **headers: str) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    lines = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Call("POST", f"{HOOK}/reports", "reports", {}, lines, raw, NOW)


STATUS = {
    "id": "e-1",
    "type": "MESSAGE_STATUS",
    "messageId": "m-1",
    "messageStatus": {"timestamp": "2026-11-21T11:59:00Z", "code": "DELIVERED", "description": "olá 👋"},
}


def test_a_header_secret_proves_a_call() -> None:
    assert TRANSPORT.verify(settings(), call(STATUS, x_webhook_token=makers.CANARY))
    for wrong in ("", makers.CANARY[:-1], "ação"):
        assert not TRANSPORT.verify(settings(), call(STATUS, x_webhook_token=wrong))
    assert not TRANSPORT.verify(settings(), call(STATUS))
    scheme = reports(
        authentication={
            "type": "header",
            "header_name": "Authorization",
            "scheme": "Bearer",
            "token_env_var": makers.VARIABLE,
        }
    )
    assert TRANSPORT.verify(settings(scheme), call(STATUS, authorization=f"Bearer {makers.CANARY}"))
    assert not TRANSPORT.verify(settings({"reports": None}), call(STATUS, x_webhook_token=makers.CANARY))
    unread = msgspec.structs.replace(settings(), credentials={})
    assert not TRANSPORT.verify(unread, call(STATUS, x_webhook_token=""))


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "v1="])
def test_a_signature_over_the_raw_body_proves_a_call(algorithm: str, encoding: str, prefix: str) -> None:
    how = {**HMAC, "algorithm": algorithm, "encoding": encoding, **({"prefix": prefix} if prefix else {})}
    own = settings(reports(authentication=how))
    body = json.dumps(STATUS, ensure_ascii=False).encode()
    digest = hmac.new(makers.CANARY.encode(), body, algorithm)
    signature = prefix + (digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode())
    assert TRANSPORT.verify(own, call(body, x_signature=signature))
    assert not TRANSPORT.verify(own, call(body + b" ", x_signature=signature))
    assert not TRANSPORT.verify(own, call(body, x_signature=signature[:-2]))
    assert not TRANSPORT.verify(own, call(body))


def test_a_signed_time_keeps_an_old_call_from_being_told_again() -> None:
    own = settings(reports(authentication={**HMAC, "timestamp_header": "X-Time"}))
    body = b"{}"

    def signed(stamp: str) -> Call:
        digest = hmac.new(makers.CANARY.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return call(body, x_signature=digest, x_time=stamp)

    now = int(NOW.timestamp())
    assert TRANSPORT.verify(own, signed(str(now - 299)))
    assert TRANSPORT.verify(own, signed(str(now * 1000)))
    assert not TRANSPORT.verify(own, signed(str(now - 301)))
    assert not TRANSPORT.verify(own, signed("soon"))
    moved = msgspec.structs.replace(
        signed(str(now - 400)), headers={**signed(str(now - 400)).headers, "x-time": str(now)}
    )
    assert not TRANSPORT.verify(own, moved)


def test_a_report_is_read_by_the_configuration_s_paths() -> None:
    assert TRANSPORT.read_reports(settings(), call(STATUS)) == [
        VendorReport(
            kind="DELIVERED",
            meaning=Meaning.DELIVERED,
            message_id="m-1",
            event_id="e-1",
            occurred_at=dt.datetime(2026, 11, 21, 11, 59, tzinfo=dt.UTC),
            payload=msgspec.json.encode(STATUS),
        )
    ]


def test_reports_may_come_as_a_list_anywhere_or_as_a_form() -> None:
    many = [STATUS, {**STATUS, "messageId": "m-2"}]
    assert [one.message_id for one in TRANSPORT.read_reports(settings(), call(many))] == ["m-1", "m-2"]
    inside = settings(reports(items="data.events"))
    assert len(TRANSPORT.read_reports(inside, call({"data": {"events": many}}))) == 2
    flat = reports(message_id="id", status="st", timestamp="at", dispatch_id="ref", error_text=None, event_id=None)
    form = b"id=m-1&st=sent&at=1761000000&ref=" + DISPATCH.encode()
    (one,) = TRANSPORT.read_reports(settings(flat), call(form, content_type="application/x-www-form-urlencoded"))
    assert (one.meaning, one.message_id, one.dispatch_id) == (Meaning.SENT, "m-1", DISPATCH)


@pytest.mark.parametrize(
    ("code", "reason", "sign"),
    [
        ("DESTINATION_BLOCKED", "DESTINATION_BLOCKED", Sign.OPTED_OUT),
        ("invalid destination", "INVALID_DESTINATION", Sign.ADDRESS_DEAD),
        ("UNSUBSCRIBED", "UNSUBSCRIBED", Sign.OPTED_OUT),
        ("E1", "E1", None),
        (None, "NOT_DELIVERED", None),
    ],
)
def test_a_failure_says_why_and_what_it_means_for_the_person(code: Any, reason: str, sign: Sign | None) -> None:
    own = settings(reports(error_code="messageStatus.cause"))
    status = {"code": "NOT_DELIVERED", "cause": code, "description": "Não."}
    (one,) = TRANSPORT.read_reports(own, call({"messageId": "m-1", "messageStatus": status}))
    assert (one.meaning, one.reason, one.sign, one.error) == (Meaning.FAILED, reason, sign, "Não.")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        7,
        {"messageId": "m-1"},
        {"messageStatus": {"code": "SENT"}},
        {**STATUS, "messageStatus": {"code": "X"}},
    ],
)
def test_what_is_no_report_of_a_message_is_left_out(body: Any) -> None:
    assert TRANSPORT.read_reports(settings(), call(body)) == []
    assert TRANSPORT.read_reports(settings({"reports": None}), call(STATUS)) == []


def test_a_call_that_cannot_be_read_is_told_so() -> None:
    for body in (b"{", b"\xff"):
        with pytest.raises(ValueError, match="no JSON"):
            TRANSPORT.read_reports(settings(), call(body))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1_761_000_000, "2025-10-20T22:40:00+00:00"),
        ("1761000000", "2025-10-20T22:40:00+00:00"),
        (1_761_000_000_000, "2025-10-20T22:40:00+00:00"),
        ("2025-10-20T19:40:00-03:00", "2025-10-20T19:40:00-03:00"),
        ("2025-10-20 22:40:00", "2025-10-20T22:40:00+00:00"),
        ("yesterday", None),
        (True, None),
        (None, None),
        ("nan", None),
        (1e300, None),
        ([], None),
    ],
)
def test_a_time_is_read_in_whatever_form_it_has(value: Any, found: str | None) -> None:
    moment_of = moment(value)
    assert (moment_of.isoformat() if moment_of else None) == found
