"""FCM: what goes out for every key of its configuration, and what each answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers import registry
from providers.messages import Message, WireRequest
from providers.outcomes import Kind, Outcome
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings, resolve
from providers.transports import Asking, Unsendable, fcm
from tests.providers import makers
from tests.providers.makers import answer, message
from tests.providers.service_accounts import PROJECT, document

TRANSPORT = fcm.transport
TOKEN = "dGVzdC10b2tlbg:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"
PLAIN: dict[str, Any] = {"provider_vendor": "fcm", "service_account_env_var": "FCM_SERVICE_ACCOUNT"}


def settings(configuration: dict[str, Any] | None = None, account: str | None = None) -> ProviderSettings:
    """With nothing but what must be, and what the test adds; a None takes a key away."""
    merged = {**PLAIN, **(configuration or {})}
    merged = {key: value for key, value in merged.items() if value is not None}
    return resolve(
        provider_id="p",
        tenant_id=1,
        provider_type="PUSH",
        configuration=merged,
        secrets={},
        allow_list=makers.ALLOW_LIST,
        environment={"FCM_SERVICE_ACCOUNT": document() if account is None else account},
    )


def push(**fields: Any) -> Message:
    return message(**{"dispatch_id": "d-1", "to": TOKEN, "subject": "Hi", "body": "Olá", **fields})


def build(configuration: dict[str, Any] | None = None, **fields: Any) -> WireRequest:
    return TRANSPORT.build_knowing(settings(configuration), [push(**fields)], {"access_token": "ya29.token"})


def message_of(configuration: dict[str, Any] | None = None, **fields: Any) -> Any:
    return json.loads(build(configuration, **fields).body)["message"]


def parse(status: int, body: Any, **headers: str) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = answer(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})
    (outcome,) = TRANSPORT.parse(settings(), [push()], given)
    return outcome


def error(code: str | None, status: str | None = None, text: str = "no", field: str | None = None) -> dict[str, Any]:
    details: list[dict[str, Any]] = []
    if code is not None:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    if field is not None:
        violations = [{"field": field, "description": text}]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    return {"error": {"code": 400, "message": text, "status": status, "details": details}}


def test_a_message_goes_out_byte_by_byte_so() -> None:
    configuration = {"priority": "high", "ttl_s": 3600, "collapse_key": "promo", "analytics_label": "camp_42"}
    request = build(configuration)
    assert (request.method, request.http2) == ("POST", True)
    assert request.url == f"https://fcm.googleapis.com/v1/projects/{PROJECT}/messages:send"
    assert request.headers == (
        "Content-Type: application/json",
        "Accept: application/json",
        "User-Agent: prism/0.1.0",
        "Authorization: Bearer ya29.token",
    )
    assert request.body.decode() == (
        f'{{"message":{{"token":"{TOKEN}","notification":{{"title":"Hi","body":"Olá"}},"data":{{"dispatch":"d-1"}},'
        '"android":{"priority":"high","ttl":"3600s","collapse_key":"promo"},'
        '"apns":{"headers":{"apns-priority":"10","apns-collapse-id":"promo"}},'
        '"fcm_options":{"analytics_label":"camp_42"}},"validate_only":false}'
    )


def test_what_is_not_set_is_left_out() -> None:
    assert message_of({}, subject=None) == {
        "token": TOKEN,
        "notification": {"body": "Olá"},
        "data": {"dispatch": "d-1"},
    }


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (
            {"priority": "normal"},
            {"android": {"priority": "normal"}, "apns": {"headers": {"apns-priority": "5"}}},
        ),
        ({"ttl_s": 0}, {"android": {"ttl": "0s"}, "apns": None}),
        ({"channel_id": "ofertas"}, {"android": {"notification": {"channel_id": "ofertas"}}, "apns": None}),
        (
            {"sound": "default"},
            {"android": {"notification": {"sound": "default"}}, "apns": {"payload": {"aps": {"sound": "default"}}}},
        ),
        (
            {"collapse_key": "promo"},
            {"android": {"collapse_key": "promo"}, "apns": {"headers": {"apns-collapse-id": "promo"}}},
        ),
        ({"analytics_label": "camp_42"}, {"fcm_options": {"analytics_label": "camp_42"}, "android": None}),
        ({"send_variables": True}, {"data": {"first": "Ana", "dispatch": "d-1"}}),
        ({"send_variables": False}, {"data": {"dispatch": "d-1"}}),
    ],
)
def test_each_key_changes_the_message(configuration: dict[str, Any], expected: dict[str, Any]) -> None:
    built = message_of(configuration, variables={"first": "Ana"})
    assert {key: built.get(key) for key in expected} == expected


def test_an_image_goes_along() -> None:
    image = "https://cdn.example.com/a.png"
    assert message_of({}, media_url=image)["notification"] == {"title": "Hi", "body": "Olá", "image": image}


@pytest.mark.parametrize(
    ("configuration", "url"),
    [
        ({"app_id": "other-app"}, "https://fcm.googleapis.com/v1/projects/other-app/messages:send"),
        ({"fcm_url": "https://fcm.googleapis.com/"}, f"https://fcm.googleapis.com/v1/projects/{PROJECT}/messages:send"),
        (
            {"fcm_url": "https://fcm.googleapis.com/v1"},
            f"https://fcm.googleapis.com/v1/projects/{PROJECT}/messages:send",
        ),
        (
            {"fcm_url": "https://fcm.googleapis.com/v1/projects/third-app/messages:send"},
            "https://fcm.googleapis.com/v1/projects/third-app/messages:send",
        ),
        ({"fcm_url": "http://127.0.0.1:8025/fcm"}, f"http://127.0.0.1:8025/fcm/v1/projects/{PROJECT}/messages:send"),
    ],
)
def test_address_and_project_follow_the_configuration(configuration: dict[str, Any], url: str) -> None:
    assert build(configuration).url == url


def test_the_seeds_keys_load_unchanged_and_mean_fcm() -> None:
    seed = {"app_id", "api_key_env_var", "fcm_url", "priority"}  # seed 000, "Estrutura JSONB por Tipo de Provider"
    assert set(TRANSPORT.example) == seed
    assert validate_configuration("PUSH", TRANSPORT.example, allow_list=["FCM_SERVICE_ACCOUNT"]) == []
    assert registry.transport_for("PUSH", TRANSPORT.example) is TRANSPORT
    (question,) = TRANSPORT.questions(makers.example_settings(TRANSPORT), [push()])
    assert question.request.url == "https://oauth2.googleapis.com/token"


def test_the_time_outs_of_the_configuration_reach_the_wire() -> None:
    request = build({"timeout_ms": 7_000, "connect_timeout_ms": 900})
    assert (request.timeout_ms, request.connect_timeout_ms) == (7_000, 900)


@pytest.mark.parametrize("token", ["ExponentPushToken[xyz123]", "ExpoPushToken[a]", "", "a b", "🙈", "x" * 4097])
def test_what_is_none_of_fcms_tokens_goes_nowhere_and_the_address_is_not_blamed(token: str) -> None:
    with pytest.raises(Unsendable) as refusal:
        build({}, to=token)
    assert (refusal.value.kind, refusal.value.reason) == (Kind.REJECTED, "NOT_AN_FCM_TOKEN")


def test_what_no_device_takes_goes_nowhere() -> None:
    with pytest.raises(Unsendable) as refusal:
        build({}, body="é" * 2030)
    assert (refusal.value.kind, refusal.value.reason) == (Kind.REJECTED, "CONTENT_TOO_LONG")
    build({}, body="é" * 2000)


@pytest.mark.parametrize("name", ["from", "message_type", "gcm.x", "googleId", "FROM"])
def test_a_name_that_google_keeps_is_refused_only_where_it_would_go_along(name: str) -> None:
    build({}, variables={name: "x"})
    with pytest.raises(Unsendable) as refusal:
        build({"send_variables": True}, variables={name: "x"})
    assert (refusal.value.kind, refusal.value.reason) == (Kind.REJECTED, "RESERVED_NAME")


@pytest.mark.parametrize(
    ("name", "message_id"),
    [
        ("projects/my-app-prod/messages/0:1500415314455276%31bd1c9631bd1c96", "0:1500415314455276%31bd1c9631bd1c96"),
        ("projects/my-app-prod/messages/messages-7", "messages-7"),
        ("plain", "plain"),
    ],
)
def test_the_id_is_what_stands_behind_the_last_slash(name: str, message_id: str) -> None:
    outcome = parse(200, {"name": name})
    assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, message_id)


@pytest.mark.parametrize("body", [b"", b"<html>", {"name": ""}, {"name": "projects/x/messages/"}, {"name": 7}, [1]])
def test_a_200_without_an_id_is_unknown(body: Any) -> None:
    outcome = parse(200, body)
    assert (outcome.kind, outcome.reason) == (Kind.UNKNOWN, "NO_MESSAGE_ID")


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (404, error("UNREGISTERED", "NOT_FOUND"), Kind.RECIPIENT_INVALID, "UNREGISTERED_TOKEN"),
        (400, error("INVALID_ARGUMENT", "INVALID_ARGUMENT"), Kind.REJECTED, "INVALID_ARGUMENT"),
        (400, error("INVALID_ARGUMENT", field="message.token"), Kind.RECIPIENT_INVALID, "INVALID_TOKEN"),
        (400, error(None, "INVALID_ARGUMENT", field="message.token"), Kind.RECIPIENT_INVALID, "INVALID_TOKEN"),
        (400, error(None, "INVALID_ARGUMENT", field="message"), Kind.REJECTED, "INVALID_ARGUMENT"),
        (
            400,
            error("INVALID_ARGUMENT", text="The registration token is not a valid FCM registration token"),
            Kind.RECIPIENT_INVALID,
            "INVALID_TOKEN",
        ),
        (403, error("SENDER_ID_MISMATCH", "PERMISSION_DENIED"), Kind.REJECTED, "SENDER_ID_MISMATCH"),
        (401, error("THIRD_PARTY_AUTH_ERROR", "UNAUTHENTICATED"), Kind.CONFIGURATION, "THIRD_PARTY_AUTH_ERROR"),
        (429, error("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED"), Kind.DEFERRED, "RATE_LIMITED"),
        (503, error("UNAVAILABLE", "UNAVAILABLE"), Kind.DEFERRED, "UNAVAILABLE"),
        (500, error("INTERNAL", "INTERNAL"), Kind.DEFERRED, "INTERNAL"),
        (400, error("NEW_ONE"), Kind.REJECTED, "FCM_NEW_ONE"),
        # An error of the server's own refuses nothing, whatever its code.
        (500, error("UNSPECIFIED_ERROR", "INTERNAL"), Kind.DEFERRED, "INTERNAL"),
        (500, error("UNSPECIFIED_ERROR", "UNKNOWN"), Kind.DEFERRED, "INTERNAL"),
        (504, error("UNSPECIFIED_ERROR", "DEADLINE_EXCEEDED"), Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
        (503, error("NEW_ONE", "x"), Kind.DEFERRED, "UNAVAILABLE"),
        (401, error(None, "UNAUTHENTICATED"), Kind.CONFIGURATION, "UNAUTHORIZED"),
        (403, error(None, "PERMISSION_DENIED"), Kind.CONFIGURATION, "FORBIDDEN"),
        (404, error(None, "NOT_FOUND"), Kind.CONFIGURATION, "PROJECT_NOT_FOUND"),
        (404, b"<html>", Kind.CONFIGURATION, "PROJECT_NOT_FOUND"),
        (429, error(None, "RESOURCE_EXHAUSTED"), Kind.DEFERRED, "RATE_LIMITED"),
        (500, b"<html>", Kind.DEFERRED, "INTERNAL"),
        (502, b"<html>", Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, b"", Kind.DEFERRED, "UNAVAILABLE"),
        (504, b"", Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
        (400, {"error": {"details": [7, {"fieldViolations": [7]}], "status": ["x"]}}, Kind.REJECTED, "HTTP_400"),
        (400, {"error": "no"}, Kind.REJECTED, "HTTP_400"),
    ],
)
def test_each_error_has_its_meaning(status: int, body: Any, kind: Kind, reason: str) -> None:
    outcome = parse(status, body)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.error


def test_waits_are_googles_or_a_minute() -> None:
    assert parse(429, error("QUOTA_EXCEEDED"), retry_after="5").retry_after == 5.0
    assert parse(429, error("QUOTA_EXCEEDED")).retry_after == 60.0
    assert parse(503, error("UNAVAILABLE")).retry_after is None


@pytest.mark.parametrize(
    ("status", "body", "disproves"),
    [
        (401, error(None, "UNAUTHENTICATED"), True),
        (401, b"", True),
        (401, error("THIRD_PARTY_AUTH_ERROR", "UNAUTHENTICATED"), False),
        (403, error(None, "PERMISSION_DENIED"), False),
        (200, {"name": "projects/x/messages/1"}, False),
    ],
)
def test_only_a_401_about_our_own_token_asks_for_another(status: int, body: Any, disproves: bool) -> None:
    assert isinstance(TRANSPORT, Asking)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert TRANSPORT.disproves(settings(), answer(status, raw)) is disproves


@pytest.mark.parametrize(
    ("configuration", "path"),
    [
        ({"service_account_env_var": None}, "service_account_env_var"),
        ({"api_key_env_var": "FCM_SERVICE_ACCOUNT"}, "api_key_env_var"),
        ({"service_account_secret": "x"}, "service_account_secret"),
        ({"app_id": "My App"}, "app_id"),
        ({"app_id": "one", "fcm_url": "https://fcm.googleapis.com/v1/projects/other/messages:send"}, "app_id"),
        ({"fcm_url": "https://fcm.googleapis.com/fcm/send"}, "fcm_url"),
        ({"oauth_url": "https://tokens.example.com/token"}, "oauth_url"),
        ({"oauth_url": "http://127.0.0.1:8025/token"}, "oauth_url"),
        ({"oauth_url": "https://127.0.0.1/token"}, "oauth_url"),
        ({"priority": "HIGHEST"}, "priority"),
        ({"ttl_s": 2_419_201}, "ttl_s"),
        ({"analytics_label": "a b"}, "analytics_label"),
        ({"collapse_key": "é"}, "collapse_key"),
        ({"api_key": "AAAA"}, "api_key"),
        ({"idempotent": True}, "idempotent"),
        ({"timeout_ms": 500, "connect_timeout_ms": 900}, "connect_timeout_ms"),
    ],
)
def test_what_is_wrong_in_a_configuration_is_named(configuration: dict[str, Any], path: str) -> None:
    merged = {key: value for key, value in {**PLAIN, **configuration}.items() if value is not None}
    assert path in dict(validate_configuration("PUSH", merged, allow_list=makers.ALLOW_LIST))


def test_a_deployment_that_sends_to_private_addresses_may_ask_for_tokens_there() -> None:
    for address in ("http://127.0.0.1:8025/token", "http://simulator:8025/token", "https://10.0.0.7/token"):
        found = validate_configuration(
            "PUSH", {**PLAIN, "oauth_url": address}, allow_list=makers.ALLOW_LIST, allow_private=True
        )
        assert found == []
