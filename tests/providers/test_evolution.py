"""Evolution API: what goes out for every key of its configuration, what each answer and each report means."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Call, Meaning, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Unsendable, evolution
from tests.providers import makers
from tests.providers.makers import CANARY, answer, message

TRANSPORT = evolution.transport
PLAIN: dict[str, Any] = {
    "provider_vendor": "evolution",
    "api_url": "https://evolution.example.com/",
    "instance": "growth",
    "authentication": {"api_key_env_var": "PRISM_PROVIDER_EVOLUTION_KEY"},
}
TEMPLATE = {"language": "pt_BR"}
OWN_SECRET = {"token_env_var": "PRISM_PROVIDER_EVOLUTION_WEBHOOK"}
OURS = "ours-for-this-provider"
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def settings(**changes: Any) -> ProviderSettings:
    made = makers.settings({**PLAIN, **changes})
    return msgspec.structs.replace(made, webhook_token=OURS, webhook_url="https://prism.example.com/webhooks/p")


def build(changes: dict[str, Any] | None = None, **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings(**(changes or {})), [message(to="+5531988889999", **fields)])


def body_of(request: WireRequest) -> Any:
    return json.loads(request.body)


def parse(status: int, body: Any = b"") -> Outcome:
    given = body if isinstance(body, bytes) else json.dumps(body).encode()
    (outcome,) = TRANSPORT.parse(settings(), [message()], answer(status, given))
    return outcome


def problems(**changes: Any) -> dict[str, str]:
    return dict(validate_configuration("WHATSAPP", {**PLAIN, **changes}, allow_list=makers.ALLOW_LIST))


def test_a_text_goes_out_byte_by_byte_as_evolution_documents_it() -> None:
    request = build({"delay_ms": 1200}, body="Hi Ana")
    assert (request.method, request.url) == ("POST", "https://evolution.example.com/message/sendText/growth")
    assert request.body == b'{"number":"5531988889999","text":"Hi Ana","delay":1200,"linkPreview":false}'
    assert request.headers == (
        f"apikey: {CANARY}",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        "Content-Type: application/json",
    )
    assert build({"link_preview": True}, body="x").body == b'{"number":"5531988889999","text":"x","linkPreview":true}'


def test_media_goes_out_byte_by_byte_as_evolution_documents_it() -> None:
    request = build({"delay_ms": 500}, body="Veja", media_url="https://cdn.example.com/a.png")
    assert request.url == "https://evolution.example.com/message/sendMedia/growth"
    assert request.body == (
        b'{"number":"5531988889999","mediatype":"image","media":"https://cdn.example.com/a.png",'
        b'"mimetype":"image/png","fileName":"a.png","caption":"Veja","delay":500}'
    )
    assert "caption" not in body_of(build(body="", media_url="https://cdn.example.com/a.ogg"))
    assert body_of(build(body="Veja", media_url="https://cdn.example.com/a.ogg"))["mediatype"] == "document"


def test_a_template_goes_out_byte_by_byte_as_evolution_documents_it() -> None:
    fields: dict[str, Any] = {
        "template_code": "order_update",
        "variables": {"first": "Ana"},
        "placeholders": ("first",),
    }
    request = build({"template": TEMPLATE, "delay_ms": 500}, **fields)
    assert request.url == "https://evolution.example.com/message/sendTemplate/growth"
    assert request.body == (
        b'{"number":"5531988889999","name":"order_update","language":"pt_BR",'
        b'"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]}]}'
    )
    assert body_of(build({"template": TEMPLATE}, template_code="hello"))["components"] == []
    assert build({"template": TEMPLATE}).url.endswith("/message/sendText/growth"), "no template code, no template"


def test_the_time_out_grows_by_the_typing_time_that_evolution_waits_inside_of_the_request() -> None:
    assert build().timeout_ms == 15_000
    assert build({"delay_ms": 20_000}).timeout_ms == 35_000
    assert build({"delay_ms": 20_000, "timeout_ms": 40_000}).timeout_ms == 60_000
    assert build({"delay_ms": 20_000, "template": TEMPLATE}, template_code="t").timeout_ms == 15_000
    assert build({"connect_timeout_ms": 900}).connect_timeout_ms == 900


def test_the_name_of_an_instance_cannot_change_the_path() -> None:
    assert build({"instance": "my growth"}).url.endswith("/message/sendText/my%20growth")
    for name in ("a/b", ".", "..", "...", "a?b", "a#b", "", "a" * 101):
        assert "instance" in problems(instance=name), name
    for name in ("growth", "my growth", "my.growth_2-b", ".growth", "a..", "x"):
        assert "instance" not in problems(instance=name), name


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"authentication": {}}, "authentication.api_key_env_var"),
        ({"delay_ms": 20_001}, "delay_ms"),
        ({"delay_ms": 20_000, "timeout_ms": 40_001}, "delay_ms"),
        ({"api_url": "https://evolution.example.com/?a=b"}, "api_url"),
        ({"template": {"language": "pt_BR", "button_index": 1}}, "template.button_index"),
        ({"webhook": {"type": "jwt", "header_name": "X-A"}}, "webhook.header_name"),
        ({"webhook": {**OWN_SECRET, "token_secret": "a"}}, "webhook.token_secret"),
        ({"webhook": {"type": "none"}}, "webhook.type"),
        ({"link_preview": "yes"}, "link_preview"),
        ({"idempotent": True}, "idempotent"),
    ],
)
def test_what_would_be_ignored_or_cannot_work_is_refused_with_its_path(changes: dict[str, Any], path: str) -> None:
    assert path in problems(**changes)


def test_what_is_no_phone_number_makes_no_request() -> None:
    with pytest.raises(Unsendable) as refused:
        TRANSPORT.build(settings(), [message(to="ana")])
    assert (refused.value.kind, refused.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_NUMBER")


TAKEN = {
    "key": {"remoteJid": "5531988889999@s.whatsapp.net", "fromMe": True, "id": "3EB0C431"},
    "status": "PENDING",
    "messageType": "conversation",
}


@pytest.mark.parametrize("status", [200, 201])
def test_a_key_means_taken(status: int) -> None:
    outcome = parse(status, TAKEN)
    assert (outcome.kind, outcome.message_id, outcome.response) == (Kind.ACCEPTED, "3EB0C431", TAKEN)


def graph(code: Any) -> dict[str, Any]:
    return {"message": "(#1) No", "type": "OAuthException", "code": code, "error_data": {"details": "Because."}}


def said(*words: Any) -> dict[str, Any]:
    return {"status": 400, "error": "Bad Request", "response": {"message": list(words)}}


ABSENT = {"exists": False, "jid": "5531988889999@s.whatsapp.net", "number": "5531988889999"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        # The trap: a success that holds Meta's error.
        (201, graph(131026), Kind.REJECTED, "UNDELIVERABLE"),
        (201, graph(131050), Kind.OPTED_OUT, "OPTED_OUT"),
        (201, graph(190), Kind.CONFIGURATION, "UNAUTHORIZED"),
        (201, graph(130429), Kind.DEFERRED, "RATE_LIMITED"),
        (201, graph(987654), Kind.REJECTED, "META_987654"),
        (201, {"error": graph(132001)}, Kind.REJECTED, "TEMPLATE_REJECTED"),
        (201, {}, Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (201, {**TAKEN, "key": {}}, Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (201, b"<html>", Kind.UNKNOWN, "NO_MESSAGE_ID"),
        (400, said(ABSENT), Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP"),
        (400, said('instance requires property "text"'), Kind.REJECTED, "HTTP_400"),
        (400, said(['instance requires property "text"']), Kind.REJECTED, "HTTP_400"),
        (400, said("Error: Connection Closed"), Kind.DEFERRED, "INSTANCE_CLOSED"),
        (500, {"response": {"message": "Connection Closed"}}, Kind.DEFERRED, "INSTANCE_CLOSED"),
        (500, said("Cannot read properties of undefined"), Kind.UNKNOWN, "HTTP_500"),
        (500, b"<html>sorry</html>", Kind.UNKNOWN, "HTTP_500"),
        (401, said("Unauthorized"), Kind.CONFIGURATION, "UNAUTHORIZED"),
        (403, b"", Kind.CONFIGURATION, "FORBIDDEN"),
        (404, said('The "growth" instance does not exist'), Kind.CONFIGURATION, "INSTANCE_UNKNOWN"),
        (429, b"", Kind.DEFERRED, "RATE_LIMITED"),
        (502, b"<html>", Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, b"", Kind.DEFERRED, "UNAVAILABLE"),
        (504, b"", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
    ],
)
def test_each_answer_has_its_outcome(status: int, body: Any, kind: Kind, reason: str) -> None:
    outcome = parse(status, body)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error


def test_health_asks_for_the_session_and_only_an_open_one_is_well() -> None:
    request = TRANSPORT.health_request(settings())
    assert request is not None
    assert (request.method, request.url) == ("GET", "https://evolution.example.com/instance/connectionState/growth")
    codes = {
        (200, b'{"instance":{"instanceName":"growth","state":"open"}}'): "OK",
        (200, b'{"instance":{"instanceName":"growth","state":"close"}}'): "DISCONNECTED",
        (200, b'{"instance":{"instanceName":"growth","state":"connecting"}}'): "DISCONNECTED",
        (200, b'{"instance":{"instanceName":"growth"}}'): "DISCONNECTED",
        (404, b"{}"): "CONFIGURATION",
        (401, b"{}"): "UNAUTHORIZED",
        (500, b"<html>"): "VENDOR_ERROR",
    }
    for (status, body), code in codes.items():
        verdict = TRANSPORT.read_health(settings(), answer(status, body))
        assert (verdict.code, verdict.ok) == (code, code == "OK")


def test_the_server_is_told_where_to_report_and_how_to_prove_itself() -> None:
    request = TRANSPORT.register_request(settings())
    assert request is not None
    assert (request.method, request.url) == ("POST", "https://evolution.example.com/webhook/set/growth")
    assert request.body == (
        b'{"webhook":{"enabled":true,"url":"https://prism.example.com/webhooks/p","headers":{"X-Prism-Secret":"'
        + OURS.encode()
        + b'"},"byEvents":false,"base64":false,"events":["MESSAGES_UPDATE","CONNECTION_UPDATE"]}}'
    )


def headers_told(**webhook: Any) -> Any:
    request = TRANSPORT.register_request(settings(webhook=webhook))
    assert request is not None
    return body_of(request)["webhook"]["headers"]


def test_the_keys_of_its_webhook_change_what_it_is_told() -> None:
    assert headers_told(type="jwt") == {"jwt_key": OURS}
    assert headers_told(header_name="X-Mine") == {"X-Mine": OURS}
    assert headers_told(**OWN_SECRET) == {"X-Prism-Secret": CANARY}
    unknown = msgspec.structs.replace(settings(), webhook_url="")
    assert TRANSPORT.register_request(unknown) is None
    keyless = msgspec.structs.replace(settings(), webhook_token="")
    assert TRANSPORT.register_request(keyless) is None
    assert TRANSPORT.read_registration(settings(), answer(201, b"{}")).ok
    assert TRANSPORT.read_registration(settings(), answer(404, b"{}")).code == "CONFIGURATION"
    assert TRANSPORT.read_registration(settings(), answer(401, b"{}")).code == "UNAUTHORIZED"
    echoed = TRANSPORT.read_registration(
        settings(), answer(400, f'{{"headers":{{"X-Prism-Secret":"{OURS}"}}}}'.encode())
    )
    assert "X-Prism-Secret" in echoed.detail
    assert OURS not in echoed.detail


# What Evolution reports.

UPDATE = {
    "keyId": "3EB0C431",
    "remoteJid": "5531988889999@s.whatsapp.net",
    "fromMe": True,
    "status": "DELIVERY_ACK",
    "instanceId": "i-1",
}


def event(data: Any = None, **changes: Any) -> dict[str, Any]:
    return {
        "event": "messages.update",
        "instance": "growth",
        "data": UPDATE if data is None else data,
        "date_time": "2026-11-21T00:00:00.000Z",
        "sender": "551155550100@s.whatsapp.net",
        "apikey": "the-instance's-own-key",
        **changes,
    }


def call(body: Any, **headers: str) -> Call:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Call("POST", "https://prism.example.com/webhooks/p/messages-update", "messages-update", {}, names, raw, NOW)


def reports(body: Any) -> list[VendorReport]:
    return TRANSPORT.read_reports(settings(), call(body))


def token(key: str = OURS, *, header: Any = None, claims: Any = None) -> str:
    claims = {"iat": 0, "exp": NOW.timestamp() + 600, "app": "evolution"} if claims is None else claims
    parts = [header or {"alg": "HS256", "typ": "JWT"}, claims]
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    digest = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_the_secret_header_is_believed_and_nothing_else() -> None:
    for listening, secret in ((settings(), OURS), (settings(webhook=OWN_SECRET), CANARY)):
        assert TRANSPORT.verify(listening, call(event(), x_prism_secret=secret))
        for bad in ("", secret + "x", "é\udcff", f"Bearer {secret}"):
            assert not TRANSPORT.verify(listening, call(event(), x_prism_secret=bad))
        assert not TRANSPORT.verify(listening, call(event()))
    named = settings(webhook={"header_name": "X-Mine"})
    assert TRANSPORT.verify(named, call(event(), x_mine=OURS))
    assert not TRANSPORT.verify(named, call(event(), x_prism_secret=OURS))
    keyless = msgspec.structs.replace(settings(), webhook_token="")
    assert not TRANSPORT.verify(keyless, call(event(), x_prism_secret=""))
    assert TRANSPORT.greet(settings(), call(event())) is None


def test_a_signed_token_is_believed_while_it_lasts_and_nothing_else() -> None:
    listening = settings(webhook={"type": "jwt"})
    assert TRANSPORT.verify(listening, call(event(note="Olá 🎉"), authorization=f"Bearer {token()}"))
    good = token()
    late = {"exp": NOW.timestamp() - 120}
    bad = [
        *("", "Bearer", "Bearer ", f"Basic {good}", good, "Bearer a.b.c", "Bearer é", "Bearer \udcff", "Bearer ..."),
        f"Bearer {good}x",
        f"Bearer {good.rpartition('.')[0]}.",
        f"Bearer {token('another key')}",
        f"Bearer {token(claims=late)}",
        f"Bearer {token(claims={})}",
        f"Bearer {token(claims={'exp': 'soon'})}",
        f"Bearer {token(claims=[])}",
        f"Bearer {token(header={'alg': 'none'})}",
        f"Bearer {token(header={'alg': 'HS512'})}",
    ]
    for authorization in bad:
        assert not TRANSPORT.verify(listening, call(event(), authorization=authorization)), authorization
    assert not TRANSPORT.verify(listening, call(event(), x_prism_secret=OURS))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("ERROR", Meaning.FAILED),
        ("PENDING", Meaning.ACCEPTED),
        ("SERVER_ACK", Meaning.SENT),
        ("DELIVERY_ACK", Meaning.DELIVERED),
        ("READ", Meaning.READ),
        ("PLAYED", Meaning.READ),
    ],
)
def test_each_status_has_its_meaning(status: str, meaning: Meaning) -> None:
    (report,) = reports(event({**UPDATE, "status": status}))
    assert (report.kind, report.meaning, report.message_id) == (status, meaning, "3EB0C431")
    assert (report.dispatch_id, report.sign) == ("", None)
    assert report.reason == ("EVOLUTION_ERROR" if status == "ERROR" else "")
    assert b"apikey" not in report.payload
    assert reports(event([{**UPDATE, "status": status}])) == [report], "older versions send a list"


@pytest.mark.parametrize(
    "body",
    [
        event({**UPDATE, "status": "DELETED"}),
        event({**UPDATE, "fromMe": False}),
        event({**UPDATE, "keyId": None}),
        event(["x", None]),
        event(3),
        event(instance="another"),
        event(event="connection.update", data={"state": "close"}),
        event(event="messages.upsert"),
        {},
    ],
)
def test_what_is_no_report_or_none_of_ours_is_left_out(body: Any) -> None:
    assert reports(body) == []


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (event(event="connection.update", data={"instance": "growth", "state": "close", "statusReason": 401}), True),
        (event(event="connection.update", data={"instance": "growth", "state": "open"}), True),
        (event(event="connection.update", data={"instance": "growth", "state": "connecting"}), False),
        (event(event="connection.update", instance="another", data={"state": "close"}), False),
        (event(), False),
    ],
)
def test_a_session_that_opens_or_closes_is_a_reason_to_look_at_its_health(body: Any, hint: bool) -> None:
    assert TRANSPORT.hints(settings(), call(body)) is hint


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff"])
def test_what_cannot_be_read_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        reports(body)


@pytest.mark.parametrize("key", ["the-instance's-own-key", 'with \\" quote', "çã", CANARY])
def test_the_keys_that_every_report_holds_are_never_stored(key: str) -> None:
    body = json.dumps(event(apikey=key, note=CANARY), ensure_ascii=False).encode()
    stored = TRANSPORT.redact(settings(), body)
    assert key.encode() not in stored
    assert CANARY.encode() not in stored
    assert json.loads(stored)["apikey"] == "[redacted]"
    assert len(TRANSPORT.read_reports(settings(), call(stored))) == 1
    assert b"secret" not in TRANSPORT.redact(settings(), b'{"apikey" : "secret"')
