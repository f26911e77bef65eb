"""Expo push: what goes out for every key of its configuration, and what tickets, refusals and receipts mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from exponent_server_sdk import PushClient, PushMessage

from providers import registry, verdicts
from providers.messages import Message, WireRequest
from providers.outcomes import SPOILT, Kind, Outcome
from providers.reporting import Meaning, Sign
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Polled, Unsendable, expo
from tests.providers import makers
from tests.providers.makers import answer, message

TRANSPORT = expo.transport
TOKEN = "ExponentPushToken[xyz123]"
PLAIN: dict[str, Any] = {"provider_vendor": "expo"}


def settings(configuration: dict[str, Any] | None = None) -> ProviderSettings:
    return makers.settings({**PLAIN, **(configuration or {})}, "PUSH")


def push(number: int = 1, **fields: Any) -> Message:
    return message(**{"dispatch_id": f"d-{number}", "to": TOKEN, "subject": "Hi", "body": "Olá", **fields})


def build(configuration: dict[str, Any] | None = None, *messages: Message) -> WireRequest:
    return TRANSPORT.build(settings(configuration), messages or [push()])


def items_of(configuration: dict[str, Any] | None = None, *messages: Message) -> Any:
    return json.loads(build(configuration, *messages).body)


def parse(status: int, body: Any, *, count: int = 1, **headers: str) -> list[Outcome]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = answer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})
    return TRANSPORT.parse(settings(), [push(number) for number in range(count)], given)


def error(code: str | None, text: str = "no") -> dict[str, Any]:
    return {"status": "error", "message": text, "details": {"error": code, "expoPushToken": TOKEN}}


def test_a_message_goes_out_byte_by_byte_so() -> None:
    request = TRANSPORT.build(makers.example_settings(TRANSPORT), [message(to=TOKEN, subject="Hi", body="Olá")])
    assert (request.method, request.url) == ("POST", "https://exp.host/--/api/v2/push/send")
    assert request.headers == (
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        f"Authorization: Bearer {makers.CANARY}",
    )
    assert request.body.decode() == (
        '[{"to":"ExponentPushToken[xyz123]","title":"Hi","body":"Olá",'
        '"data":{"dispatch":"0198f3a0-0000-7000-8000-000000000001"},'
        '"sound":"default","priority":"high","ttl":3600,"channelId":"default"}]'
    )


def test_what_is_not_set_is_left_out() -> None:
    assert items_of({}, push(subject=None)) == [{"to": TOKEN, "body": "Olá", "data": {"dispatch": "d-1"}}]
    assert not any(line.startswith("Authorization") for line in build().headers)


@pytest.mark.parametrize(
    ("configuration", "fields"),
    [
        ({"priority": "normal"}, {"priority": "normal"}),
        ({"sound": "bell.wav"}, {"sound": "bell.wav"}),
        ({"ttl_s": 0}, {"ttl": 0}),
        ({"channel_id": "ofertas"}, {"channelId": "ofertas"}),
        ({"send_variables": True}, {"data": {"first": "Ana", "dispatch": "d-1"}}),
        ({"send_variables": False}, {"data": {"dispatch": "d-1"}}),
    ],
)
def test_each_key_changes_the_message(configuration: dict[str, Any], fields: dict[str, Any]) -> None:
    (item,) = items_of(configuration, push(variables={"first": "Ana", "dispatch": "theirs"}))
    assert {key: item.get(key) for key in fields} == fields


def test_address_and_time_outs_are_the_configurations() -> None:
    request = build({"api_url": "http://127.0.0.1:8025/expo/", "timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert request.url == "http://127.0.0.1:8025/expo/--/api/v2/push/send"
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


def test_an_image_goes_along() -> None:
    (item,) = items_of({}, push(media_url="https://cdn.example.com/a.png"))
    assert item["richContent"] == {"image": "https://cdn.example.com/a.png"}


def test_no_more_connections_than_expo_advises_but_room_for_full_requests() -> None:
    assert (settings().concurrency, settings().slots) == (6, 400)
    assert settings({"concurrency": 20}).concurrency == 20


def test_up_to_a_hundred_share_a_request() -> None:
    assert TRANSPORT.batch_size_of(settings()) == 100
    items = items_of({}, *(push(number, body=f"b{number}") for number in range(100)))
    assert [(item["body"], item["data"]["dispatch"]) for item in items] == [(f"b{n}", f"d-{n}") for n in range(100)]


@pytest.mark.parametrize(
    "token",
    [
        "ExponentPushToken[xyz123]",
        "ExpoPushToken[a-b_c]",
        " ExponentPushToken[xyz123] ",
        "f5b1c1d2-1a2b-3c4d-5e6f-a1b2c3d4e5f6",
    ],
)
def test_every_form_of_expos_token_goes(token: str) -> None:
    assert items_of({}, push(to=token))[0]["to"] == token.strip()


@pytest.mark.parametrize(
    "token", ["", "dGVzdA:APA91bHun4", "ExponentPushToken[]", "ExponentPushToken[a b]", "ExponentPushToken[x]y", "🙈"]
)
def test_another_vendors_token_goes_nowhere_and_the_address_is_not_blamed(token: str) -> None:
    with pytest.raises(Unsendable) as refusal:
        build({}, push(1), push(2, to=token))
    assert (refusal.value.kind, refusal.value.reason) == (Kind.REJECTED, "NOT_AN_EXPO_TOKEN")
    assert refusal.value.index == 1


def test_what_no_device_takes_goes_nowhere() -> None:
    with pytest.raises(Unsendable) as refusal:
        build({}, push(1), push(2, body="é" * 2030))
    assert (refusal.value.kind, refusal.value.reason, refusal.value.index) == (Kind.REJECTED, "CONTENT_TOO_LONG", 1)
    with pytest.raises(Unsendable):
        build({"send_variables": True}, push(variables={"a": "x" * 4096}))
    build({}, push(body="\x01" * 580))
    build({}, push(body="é" * 2000))


def test_each_ticket_is_one_message_s() -> None:
    body = {"data": [{"status": "ok", "id": "r-1"}, error("DeviceNotRegistered"), {"status": "ok", "id": "r-3"}]}
    outcomes = parse(200, body, count=3)
    assert [(one.kind, one.message_id, one.reason) for one in outcomes] == [
        (Kind.ACCEPTED, "r-1", ""),
        (Kind.RECIPIENT_INVALID, None, "UNREGISTERED_TOKEN"),
        (Kind.ACCEPTED, "r-3", ""),
    ]
    assert outcomes[1].response == body["data"][1]


def test_a_ticket_that_stands_alone_is_the_only_messages() -> None:
    assert parse(200, {"data": {"status": "ok", "id": "r-1"}})[0].message_id == "r-1"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        ("DeviceNotRegistered", Kind.RECIPIENT_INVALID, "UNREGISTERED_TOKEN"),
        ("MessageTooBig", Kind.REJECTED, "CONTENT_TOO_LONG"),
        ("MessageRateExceeded", Kind.DEFERRED, "DEVICE_RATE_LIMITED"),
        ("MismatchSenderId", Kind.CONFIGURATION, "SENDER_ID_MISMATCH"),
        ("InvalidCredentials", Kind.CONFIGURATION, "INVALID_CREDENTIALS"),
        ("DeveloperError", Kind.CONFIGURATION, "DEVELOPER_ERROR"),
        ("ExpoError", Kind.DEFERRED, "UNAVAILABLE"),
        ("ProviderError", Kind.DEFERRED, "UNAVAILABLE"),
        ("Something new", Kind.REJECTED, "EXPO_SOMETHING_NEW"),
        (None, Kind.REJECTED, "EXPO_ERROR"),
    ],
)
def test_each_error_of_a_ticket_has_its_meaning(code: str | None, kind: Kind, reason: str) -> None:
    (outcome,) = parse(200, {"data": [error(code)]})
    assert (outcome.kind, outcome.reason, outcome.error) == (kind, reason, "no")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": [{"status": "ok"}]}, "NO_MESSAGE_ID"),
        ({"data": [{"status": "ok", "id": " "}]}, "NO_MESSAGE_ID"),
        ({"data": [{"status": "maybe"}]}, "UNREADABLE_ANSWER"),
        ({"data": [7]}, "UNREADABLE_ANSWER"),
        ({"data": []}, "UNREADABLE_ANSWER"),
        ({"data": [{"status": "ok", "id": "1"}] * 2}, "UNREADABLE_ANSWER"),
        ({}, "UNREADABLE_ANSWER"),
        (b"<html>", "UNREADABLE_ANSWER"),
        (b"", "UNREADABLE_ANSWER"),
        ({"errors": [{"message": "odd"}]}, "UNREADABLE_ANSWER"),
    ],
)
def test_a_200_that_does_not_say_enough_is_unknown(body: Any, reason: str) -> None:
    (outcome,) = parse(200, body)
    assert (outcome.kind, outcome.reason) == (Kind.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason"),
    [
        (429, "TOO_MANY_REQUESTS", Kind.DEFERRED, "RATE_LIMITED"),
        (200, "TOO_MANY_REQUESTS", Kind.DEFERRED, "RATE_LIMITED"),
        (401, "UNAUTHORIZED", Kind.CONFIGURATION, "UNAUTHORIZED"),
        (400, "UNAUTHORIZED", Kind.CONFIGURATION, "UNAUTHORIZED"),
        (400, "PUSH_TOO_MANY_EXPERIENCE_IDS", Kind.CONFIGURATION, "SEVERAL_PROJECTS"),
        (400, "PUSH_TOO_MANY_NOTIFICATIONS", Kind.REJECTED, "TOO_MANY_IN_ONE_REQUEST"),
        (400, "VALIDATION_ERROR", Kind.REJECTED, "VALIDATION_ERROR"),
        (400, "API_ERROR", Kind.REJECTED, "API_ERROR"),
        (400, "NEW", Kind.REJECTED, "HTTP_400"),
        (400, 7, Kind.REJECTED, "HTTP_400"),
        (500, "INTERNAL", Kind.DEFERRED, "UNAVAILABLE"),
        (503, None, Kind.DEFERRED, "UNAVAILABLE"),
        (502, None, Kind.UNKNOWN, "BAD_GATEWAY"),
        (500, "API_ERROR", Kind.DEFERRED, "UNAVAILABLE"),
        (504, "API_ERROR", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
        (200, "API_ERROR", Kind.UNKNOWN, "EXPO_API_ERROR"),
    ],
)
def test_a_refused_request_has_its_meaning(status: int, code: Any, kind: Kind, reason: str) -> None:
    (outcome,) = parse(status, {"errors": [{"code": code, "message": "no"}]})
    assert (outcome.kind, outcome.reason, outcome.error) == (kind, reason, "no")


@pytest.mark.parametrize("code", ["PUSH_TOO_MANY_EXPERIENCE_IDS", "VALIDATION_ERROR"])
def test_a_request_that_is_refused_for_its_mix_is_taken_apart(code: str) -> None:
    outcomes = parse(400, {"errors": [{"code": code, "message": "no"}]}, count=3)
    assert [(one.kind, one.reason) for one in outcomes] == [(Kind.DEFERRED, SPOILT)] * 3


def test_only_a_4xx_says_that_nothing_of_the_mix_was_taken() -> None:
    tickets = {"data": [{"status": "ok", "id": "1"}] * 2, "errors": [{"code": "API_ERROR", "message": "no"}]}
    for status in (200, 502, 504):
        assert [one.kind for one in parse(status, tickets, count=2)] == [Kind.UNKNOWN] * 2


def test_html_and_waits_are_understood() -> None:
    assert parse(503, b"<html>", count=2, retry_after="9")[1].retry_after == 9.0
    assert parse(429, b"", retry_after="3")[0].retry_after == 3.0


def receipts(given: Any, *, status: int = 200, ids: tuple[str, ...] = ("r-1", "r-2", "r-3")) -> Any:
    raw = given if isinstance(given, bytes) else json.dumps(given).encode()
    return TRANSPORT.read_poll(settings(), ids, answer(status, raw))


def test_receipts_are_asked_for_by_id() -> None:
    assert isinstance(TRANSPORT, Polled)
    request = TRANSPORT.poll_request(makers.example_settings(TRANSPORT), ["r-1", "r-2"])
    assert (request.method, request.url) == ("POST", "https://exp.host/--/api/v2/push/getReceipts")
    assert request.body == b'{"ids":["r-1","r-2"]}'
    assert f"Authorization: Bearer {makers.CANARY}" in request.headers
    assert TRANSPORT.poll_after_s[:2] == (900, 3600)
    assert sum(TRANSPORT.poll_after_s) < 24 * 3600, "Expo forgets them after a day"
    assert 300 <= TRANSPORT.poll_size <= 1000
    assert TRANSPORT.awaits_reports(settings()), "no address of ours is needed"


def test_a_receipt_says_that_the_push_house_took_it_or_did_not() -> None:
    given = {"data": {"r-2": error("DeviceNotRegistered", "gone"), "r-1": {"status": "ok"}, "r-9": {"status": "ok"}}}
    first, second = receipts(given)
    assert (first.message_id, first.meaning, first.sign, first.error) == ("r-1", Meaning.SENT, None, None)
    assert (second.message_id, second.meaning, second.sign) == ("r-2", Meaning.FAILED, Sign.ADDRESS_DEAD)
    assert (second.kind, second.reason, second.error) == ("error", "UNREGISTERED_TOKEN", "gone")
    assert json.loads(second.payload) == given["data"]["r-2"]


def test_only_a_device_that_is_gone_is_dead() -> None:
    (report,) = receipts({"data": {"r-1": error("MessageRateExceeded")}})
    assert (report.meaning, report.reason, report.sign) == (Meaning.FAILED, "DEVICE_RATE_LIMITED", None)


@pytest.mark.parametrize("given", [{"data": {}}, {"data": {"r-1": 7, "r-2": {"status": "soon"}}}])
def test_what_is_not_known_yet_is_no_report(given: Any) -> None:
    assert receipts(given) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, {"data": {}}), (429, b""), (200, b"<html>"), (200, {"data": []}), (200, {}), (200, b"[]")],
)
def test_an_answer_that_says_nothing_is_asked_for_again(status: int, body: Any) -> None:
    assert receipts(body, status=status) is None


def test_its_health_is_whether_it_answers() -> None:
    request = TRANSPORT.health_request(settings())
    assert request is not None
    assert (request.method, request.url) == ("HEAD", "https://exp.host/")
    assert TRANSPORT.read_health(settings(), answer(404)).code == verdicts.REACHABLE


def test_push_without_an_address_of_fcms_is_expos() -> None:
    assert registry.transport_for("PUSH", {}) is TRANSPORT


@pytest.mark.parametrize(
    ("configuration", "path"),
    [
        ({"priority": "urgent"}, "priority"),
        ({"ttl_s": -1}, "ttl_s"),
        ({"ttl_s": 2_419_201}, "ttl_s"),
        ({"sound": "\n"}, "sound"),
        ({"access_token": "x"}, "access_token"),
        ({"access_token_env_var": "PRISM_PROVIDER_X", "access_token_secret": "x"}, "access_token_secret"),
        ({"idempotent": True}, "idempotent"),
        ({"timeout_ms": 500, "connect_timeout_ms": 900}, "connect_timeout_ms"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_named(configuration: dict[str, Any], path: str) -> None:
    found = validate_configuration("PUSH", {**PLAIN, **configuration}, allow_list=makers.ALLOW_LIST)
    assert path in dict(found)


class Recorder(BaseHTTPRequestHandler):
    """Answers every request with a ticket, and keeps what came."""

    seen: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append((self.path, body))
        ticket = json.dumps({"data": [{"status": "ok", "id": "r-1"}] * len(json.loads(body))}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(ticket)))
        self.end_headers()
        self.wfile.write(ticket)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what matters."""


@pytest.fixture
def recorder() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_expos_own_client_sends_the_same(recorder: str) -> None:
    """exponent-server-sdk, which nobody here wrote."""
    Recorder.seen.clear()
    theirs = PushMessage(
        to=TOKEN,
        title="Hi",
        body="Olá",
        data={"dispatch": "d-1"},
        sound="default",
        priority="high",
        ttl=3600,
        channel_id="ofertas",
    )
    PushClient(host=recorder).publish(theirs)
    ((path, body),) = Recorder.seen
    ours = build({"sound": "default", "priority": "high", "ttl_s": 3600, "channel_id": "ofertas"})
    assert ours.url.endswith(path)
    assert json.loads(ours.body) == json.loads(body)
