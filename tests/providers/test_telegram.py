"""Telegram: what goes out for every key of its configuration, and what each answer and each call of its means."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from providers import verdicts
from providers.messages import WireRequest
from providers.outcomes import Kind, Outcome
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings
from providers.transports import Unsendable, telegram
from tests.providers import makers
from tests.providers.makers import answer, message

TRANSPORT = telegram.transport
BOT = "https://api.telegram.org/bot" + makers.CANARY.replace("/", "%2F").replace("+", "%2B")
HOOK = "https://prism.example.com/webhooks/0198f3a0-0000-7000-8000-00000000000a"
TOKEN = "0198f3a000007000800000000000000a_" + "A" * 43


def settings(changes: dict[str, Any] | None = None) -> ProviderSettings:
    """The seed's configuration; a change to None takes the key away."""
    configuration = {**TRANSPORT.example, **(changes or {})}
    configuration = {key: value for key, value in configuration.items() if value is not None}
    made = makers.settings(configuration, "TELEGRAM")
    return msgspec.structs.replace(made, webhook_url=made.webhook_url or HOOK, webhook_token=TOKEN)


def build(changes: dict[str, Any] | None = None, **fields: Any) -> WireRequest:
    return TRANSPORT.build(settings(changes), [message(**{"to": "123456789", **fields})])


def body_of(request: WireRequest) -> Any:
    return json.loads(request.body)


def parse(status: int, body: Any, **headers: str) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = answer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})
    (outcome,) = TRANSPORT.parse(settings(), [message()], given)
    return outcome


def test_a_message_of_the_seed_s_provider_goes_out_byte_by_byte_so() -> None:
    request = build(body="Olá *Ana* 👋!\n[Ver oferta](https://example.com/o?a=1_2)")
    assert (request.method, request.url) == ("POST", f"{BOT}/sendMessage")
    assert request.headers == (
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
    )
    assert (
        request.body
        == (
            '{"chat_id":123456789,"text":"Olá Ana 👋!","entities":[{"type":"bold","offset":4,"length":3}],'
            '"reply_markup":{"inline_keyboard":[[{"text":"Ver oferta","url":"https://example.com/o?a=1_2"}]]}}'
        ).encode()
    )


def test_without_its_features_a_text_goes_out_as_it_is() -> None:
    text = "Olá *Ana*\n[Ver](https://example.com)"
    for features in (None, {}, {"markdown": False, "inline_keyboard": False}):
        assert body_of(build({"features": features}, body=text)) == {"chat_id": 123456789, "text": text}


@pytest.mark.parametrize(
    ("features", "field", "value"),
    [
        ({"link_preview": False}, "link_preview_options", {"is_disabled": True}),
        ({"silent": True}, "disable_notification", True),
        ({"protect_content": True}, "protect_content", True),
    ],
)
def test_each_feature_changes_its_field(features: dict[str, Any], field: str, value: Any) -> None:
    assert body_of(build({"features": features}))[field] == value
    assert field not in body_of(build({"features": {}}))


def test_no_formatting_is_ever_left_for_telegram_to_parse() -> None:
    for body in ("*Ana", "a_b_c [x](y) !.-=|{}", "`", "\\", "<b>Ana</b> & co"):
        assert "parse_mode" not in body_of(build(body=body))


@pytest.mark.parametrize(
    ("address", "method", "field"),
    [
        ("https://cdn.example.com/a.png", "sendPhoto", "photo"),
        ("https://cdn.example.com/a.JPG?v=1.mp4", "sendPhoto", "photo"),
        ("https://cdn.example.com/picture", "sendPhoto", "photo"),
        ("https://cdn.example.com/a.MP4", "sendVideo", "video"),
        ("https://cdn.example.com/a.mp3", "sendAudio", "audio"),
        ("https://cdn.example.com/a.pdf?x=y", "sendDocument", "document"),
        ("https://[broken", "sendPhoto", "photo"),
    ],
)
def test_media_go_by_their_address_with_the_text_as_caption(address: str, method: str, field: str) -> None:
    request = build(body="*Olá*", media_url=address)
    assert request.url == f"{BOT}/{method}"
    assert body_of(request) == {
        "chat_id": 123456789,
        field: address,
        "caption": "Olá",
        "caption_entities": [{"type": "bold", "offset": 0, "length": 3}],
    }
    assert body_of(build(body="", media_url=address)) == {"chat_id": 123456789, field: address}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"body": "a" * 4097}, "CONTENT_TOO_LONG"),
        ({"body": "*" * 16_385}, "CONTENT_TOO_LONG"),
        ({"body": "a" * 1025, "media_url": "https://cdn.example.com/a.png"}, "CONTENT_TOO_LONG"),
        ({"body": " \n"}, "EMPTY_MESSAGE"),
    ],
)
def test_a_text_that_telegram_would_refuse_is_refused_without_a_request(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unsendable) as refused:
        build(**fields)
    assert (refused.value.kind, refused.value.reason) == (Kind.REJECTED, reason)


def test_the_length_counts_what_is_shown() -> None:
    assert len(body_of(build(body="*" + "a" * 4096 + "*"))["text"]) == 4096


@pytest.mark.parametrize(
    ("to", "chat"), [(" 123 ", 123), ("-1001234567890", -1001234567890), ("@prism_news", "@prism_news")]
)
def test_a_chat_is_a_number_or_the_name_of_a_channel(to: str, chat: Any) -> None:
    assert body_of(build(to=to))["chat_id"] == chat


@pytest.mark.parametrize("to", ["", "0", "+5511988887777", "ana", "@x", "1.5", "1" * 30, "١٢٣"])
def test_what_is_no_chat_is_refused_without_a_request(to: str) -> None:
    with pytest.raises(Unsendable) as refused:
        build(to=to)
    assert (refused.value.kind, refused.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_CHAT_ID")


def test_the_address_of_the_api_and_the_time_outs_can_be_others() -> None:
    request = build({"api_url": "https://bots.example.com/v/", "timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert request.url.startswith("https://bots.example.com/v/bot")
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


def test_the_token_in_the_address_is_never_shown() -> None:
    asked = [build(), TRANSPORT.health_request(settings()), TRANSPORT.register_request(settings())]
    assert all(makers.CANARY[-6:] not in repr(request) and "canary" not in repr(request) for request in asked)
    for body in (f'{{"description":"POST /bot{makers.CANARY}/sendMessage"}}', f"<a {BOT}>", f'"{BOT}"'):
        for status in (200, 401, 404, 500):
            assert "canary" not in repr(parse(status, body.encode()))
            assert "canary" not in repr(TRANSPORT.read_health(settings(), answer(status, body.encode())))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"bot_token_env_var": None}, "bot_token_env_var"),
        ({"bot_token_secret": "mine"}, "bot_token_secret"),
        ({"bot_token": "123:abc"}, "bot_token"),
        ({"bot_username": "my bot"}, "bot_username"),
        ({"webhook_url": "prism.example.com"}, "webhook_url"),
        ({"features": {"html": True}}, "features.html"),
        ({"idempotent": True}, "idempotent"),
        ({"provider_vendor": "blip"}, "provider_vendor"),
    ],
)
def test_what_cannot_work_is_refused_with_its_path(changes: dict[str, Any], path: str) -> None:
    found = validate_configuration("TELEGRAM", settings(changes).configuration, allow_list=makers.ALLOW_LIST)
    assert path in dict(found)


@pytest.mark.parametrize("changes", [{}, {"provider_vendor": "telegram"}, {"bot_username": None}])
def test_the_seed_s_example_is_taken_as_it_is(changes: dict[str, Any]) -> None:
    configuration = settings(changes).configuration
    assert validate_configuration("TELEGRAM", configuration, allow_list=makers.ALLOW_LIST) == []


def test_a_token_that_is_bound_to_telegram_may_stand_beside_our_own_address() -> None:
    bound = ("TELEGRAM_BOT_TOKEN@api.telegram.org",)
    assert validate_configuration("TELEGRAM", TRANSPORT.example, allow_list=bound) == []


def test_a_sent_message_is_accepted_by_chat_and_number() -> None:
    body = {"ok": True, "result": {"message_id": 42, "date": 1, "chat": {"id": -100, "type": "group"}, "text": "x"}}
    assert parse(200, body) == Outcome(Kind.ACCEPTED, message_id="-100:42", response=body)
    nameless: tuple[Any, ...] = (
        {"ok": True},
        {"ok": True, "result": {"message_id": 42}},
        {"ok": True, "result": True},
        [],
        1,
    )
    for strange in nameless:
        assert parse(200, strange).reason == "NO_MESSAGE_ID"
    assert parse(200, b"<html>").kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "description", "kind", "reason"),
    [
        (403, "Forbidden: bot was blocked by the user", Kind.OPTED_OUT, "OPTED_OUT"),
        (403, "Forbidden: user is deactivated", Kind.RECIPIENT_INVALID, "USER_DEACTIVATED"),
        (
            403,
            "Forbidden: bot can't initiate conversation with a user",
            Kind.RECIPIENT_INVALID,
            "CONVERSATION_NOT_STARTED",
        ),
        (403, "Forbidden: bot was kicked from the group chat", Kind.RECIPIENT_INVALID, "BOT_WAS_KICKED"),
        (403, "Forbidden: something new", Kind.REJECTED, "FORBIDDEN"),
        (400, "Bad Request: chat not found", Kind.RECIPIENT_INVALID, "CHAT_NOT_FOUND"),
        (
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            Kind.RECIPIENT_INVALID,
            "CHAT_MIGRATED",
        ),
        (400, "Bad Request: message is too long", Kind.REJECTED, "CONTENT_TOO_LONG"),
        (400, "Bad Request: can't parse entities: unclosed", Kind.REJECTED, "MARKUP_REJECTED"),
        (400, "Bad Request: wrong HTTP URL specified", Kind.REJECTED, "MEDIA_INVALID"),
        (400, "Bad Request: BUTTON_URL_INVALID", Kind.REJECTED, "BUTTON_REJECTED"),
        (400, "Bad Request: something new", Kind.REJECTED, "HTTP_400"),
        (401, "Unauthorized", Kind.CONFIGURATION, "UNAUTHORIZED"),
        (404, "Not Found", Kind.CONFIGURATION, "BOT_NOT_FOUND"),
        (429, "Too Many Requests: retry after 5", Kind.DEFERRED, "RATE_LIMITED"),
        (500, "Internal Server Error", Kind.DEFERRED, "HTTP_500"),
        (502, "Bad Gateway", Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, "Service Unavailable", Kind.DEFERRED, "UNAVAILABLE"),
        (504, "Gateway Timeout", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
    ],
)
def test_each_description_means_one_outcome(status: int, description: str, kind: Kind, reason: str) -> None:
    outcome = parse(status, {"ok": False, "error_code": status, "description": description})
    assert (outcome.kind, outcome.reason, outcome.error) == (kind, reason, description)
    assert parse(200, {"ok": False, "error_code": status, "description": description}).kind is kind


def test_an_answer_that_says_no_and_not_why_is_unknown() -> None:
    assert parse(200, {"ok": False}).kind is Kind.UNKNOWN
    assert parse(403, b"<html>").reason == "FORBIDDEN"


def test_the_wait_that_telegram_asks_for_is_kept() -> None:
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 5}}
    assert parse(429, body).retry_after == 5
    assert parse(429, body, retry_after="9").retry_after == 9
    assert parse(429, {"ok": False, "error_code": 429}).retry_after is None


def test_health_tells_whose_token_it_is() -> None:
    request = TRANSPORT.health_request(settings())
    assert request is not None
    assert (request.method, request.url, request.body) == ("GET", f"{BOT}/getMe", b"")
    mine = {"ok": True, "result": {"id": 1, "is_bot": True, "username": "iFood_notifications_bot"}}
    other = {"ok": True, "result": {"id": 1, "is_bot": True, "username": "another_bot"}}
    read = TRANSPORT.read_health
    assert read(settings(), answer(200, json.dumps(mine).encode())).ok
    wrong = read(settings(), answer(200, json.dumps(other).encode()))
    assert (wrong.ok, wrong.code) == (False, verdicts.CONFIGURATION)
    assert "@another_bot" in wrong.detail
    assert read(settings({"bot_username": None}), answer(200, json.dumps(other).encode())).ok
    assert read(settings(), answer(404, b'{"ok":false}')).code == verdicts.UNAUTHORIZED
    assert read(settings(), answer(401, b'{"ok":false}')).code == verdicts.UNAUTHORIZED
    assert not read(settings(), answer(200, b'{"ok":false}')).ok


def test_telegram_is_told_where_to_report_and_with_which_secret() -> None:
    request = TRANSPORT.register_request(settings())
    assert request is not None
    assert (request.method, request.url) == ("POST", f"{BOT}/setWebhook")
    assert body_of(request) == {
        "url": "https://prism.ifood.com.br/webhooks/telegram",
        "secret_token": TOKEN,
        "allowed_updates": ["message", "callback_query", "my_chat_member"],
    }
    own = TRANSPORT.register_request(settings({"webhook_url": None}))
    assert own is not None
    assert body_of(own)["url"] == HOOK
    nowhere = msgspec.structs.replace(settings({"webhook_url": None}), webhook_url="")
    assert TRANSPORT.register_request(nowhere) is None
    assert TRANSPORT.register_request(msgspec.structs.replace(settings(), webhook_token="")) is None
    read = TRANSPORT.read_registration
    assert read(settings(), answer(200, b'{"ok":true,"result":true,"description":"Webhook was set"}')).ok
    refused = read(settings(), answer(400, b'{"ok":false,"description":"Bad Request: bad webhook: HTTPS url"}'))
    assert (refused.ok, refused.code) == (False, verdicts.UNEXPECTED)
    assert "bad webhook" in refused.detail


def call(update: Any, secret: str | None = TOKEN) -> Call:
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    headers = {"content-type": "application/json"}
    if secret is not None:
        headers["x-telegram-bot-api-secret-token"] = secret
    return Call("POST", HOOK, "", {}, headers, body, dt.datetime(2026, 11, 21, tzinfo=dt.UTC))


def member(status: str, kind: str = "private", **more: Any) -> dict[str, Any]:
    return {
        "update_id": 77,
        "my_chat_member": {
            "chat": {"id": 123, "type": kind, "first_name": "Ana 👋"},
            "date": 1_761_000_000,
            "new_chat_member": {"status": status},
            **more,
        },
    }


def test_a_call_is_telegram_s_by_the_secret_that_we_chose() -> None:
    assert TRANSPORT.verify(settings(), call(member("kicked")))
    for wrong in (None, "", TOKEN[:-1], TOKEN + "A", "ação"):
        assert not TRANSPORT.verify(settings(), call(member("kicked"), wrong))
    unset = msgspec.structs.replace(settings(), webhook_token="")
    assert not TRANSPORT.verify(unset, call(member("kicked"), ""))


def test_who_blocks_the_bot_has_opted_out_and_who_comes_back_has_opted_in() -> None:
    given = call(member("kicked"))
    assert TRANSPORT.read_reports(settings(), given) == [
        VendorReport(
            kind="my_chat_member.kicked",
            meaning=Meaning.ENGAGED,
            event_id="77",
            occurred_at=dt.datetime(2025, 10, 20, 22, 40, tzinfo=dt.UTC),
            payload=given.body,
            sign=Sign.OPTED_OUT,
            address="123",
        )
    ]
    (back,) = TRANSPORT.read_reports(settings(), call(member("member")))
    assert back.sign is Sign.OPTED_IN
    (left,) = TRANSPORT.read_reports(settings(), call(member("left", "supergroup")))
    assert left.sign is Sign.ADDRESS_DEAD


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1, "message": {"chat": {"id": 1}, "text": "oi"}},
        {"update_id": 1, "callback_query": {"id": "9"}},
        member("administrator"),
        member("member", "group"),
        member("kicked", chat={"type": "private"}),
        {"my_chat_member": {"new_chat_member": {"status": ["kicked"]}}},
        [],
        None,
    ],
)
def test_what_is_no_report_is_left_for_others(update: Any) -> None:
    assert TRANSPORT.read_reports(settings(), call(update)) == []


def test_a_call_that_cannot_be_read_is_told_so() -> None:
    for body in (b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(ValueError, match="no JSON"):
            TRANSPORT.read_reports(settings(), call(body))
    (strange,) = TRANSPORT.read_reports(settings(), call(member("kicked", date=10**30)))
    assert strange.occurred_at is None
