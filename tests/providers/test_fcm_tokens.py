"""The access token of a service account: what is asked, who can use it, and what the answer means."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import jwt as pyjwt
import pytest
from google.auth import jwt as google_jwt

from providers import verdicts
from providers.credentials import Secret
from providers.outcomes import Kind, Outcome
from providers.settings import ProviderSettings, resolve
from providers.transports import Known, Unsendable, fcm
from providers.transports.fcm import tokens
from tests.providers import makers
from tests.providers.makers import answer
from tests.providers.service_accounts import EMAIL, KEY_ID, PROJECT, document, private_pem, public_pem
from tests.providers.test_fcm import push, settings

TRANSPORT = fcm.transport
NOW = 1_792_533_999.0


def assertion(made: ProviderSettings, now: float = NOW) -> str:
    return dict(parse_qsl(tokens.ask(made, now).body.decode()))["assertion"]


def read(status: int, body: Any) -> Known | Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (question,) = TRANSPORT.questions(settings(), [push()])
    return TRANSPORT.read_answer(settings(), question, answer(status, raw))


def test_the_question_is_one_and_the_same_for_all_messages() -> None:
    (question,) = TRANSPORT.questions(settings(), [push()])
    (again,) = TRANSPORT.questions(settings(), [push(to="other"), push()])
    assert question == again
    assert question.key == "access_token"
    request = question.request
    assert (request.method, request.url) == ("POST", "https://oauth2.googleapis.com/token")
    assert "Content-Type: application/x-www-form-urlencoded" in request.headers
    form = parse_qsl(request.body.decode(), strict_parsing=True)
    assert [name for name, _value in form] == ["grant_type", "assertion"]
    assert form[0][1] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_google_s_own_library_and_another_take_the_signature() -> None:
    signed = assertion(settings())
    claims = pyjwt.decode(
        signed,
        public_pem(),
        algorithms=["RS256"],
        audience="https://oauth2.googleapis.com/token",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims == {
        "iss": EMAIL,
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 1_792_533_600,
        "exp": 1_792_537_200,
    }
    assert pyjwt.get_unverified_header(signed) == {"typ": "JWT", "alg": "RS256", "kid": KEY_ID}
    decode: Any = google_jwt.decode
    fresh = dict(parse_qsl(tokens.ask(settings()).body.decode()))["assertion"]
    assert decode(fresh, certs=public_pem(), audience="https://oauth2.googleapis.com/token")["iss"] == EMAIL


def test_it_is_signed_once_in_ten_minutes_and_never_from_the_future() -> None:
    assert assertion(settings(), 1_792_533_600) == assertion(settings(), 1_792_534_199.9)
    assert assertion(settings(), 1_792_534_200) != assertion(settings(), 1_792_533_600)


def test_who_gets_the_assertion_can_use_it_with_nobody_else() -> None:
    elsewhere = settings({"oauth_url": "http://127.0.0.1:8025/token"})
    assert tokens.ask(elsewhere).url == "http://127.0.0.1:8025/token"
    claims = pyjwt.decode(assertion(elsewhere), options={"verify_signature": False})
    assert claims["aud"] == "http://127.0.0.1:8025/token"


def test_where_the_document_itself_sends_for_tokens_does_not_count() -> None:
    """Whoever wrote it into the document must not learn anything by it."""
    turned = settings(account=document(token_uri="https://evil.example/token"))
    assert tokens.ask(turned).url == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize(
    "account",
    [
        "not json",
        "[]",
        "{}",
        '{"client_email":"a@b.example"}',
        json.dumps(
            {"client_email": EMAIL, "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"}
        ),
        json.dumps({"private_key": "x", "client_email": 7}),
        document(project_id="../../v1/projects/another"),
        document(project_id=".."),
        document(project_id="my-app-prod?x="),
        "{" * 100,
    ],
)
def test_what_is_no_service_account_is_a_matter_of_configuration_and_is_not_repeated(account: str) -> None:
    with pytest.raises(Unsendable) as refusal:
        TRANSPORT.questions(settings(account=account), [push()])
    assert (refusal.value.kind, refusal.value.reason) == (Kind.CONFIGURATION, "BAD_SERVICE_ACCOUNT")
    assert refusal.value.error == "The credential is not the JSON file of a service account."
    assert refusal.value.__context__ is None


def test_the_document_may_be_a_stored_secret_with_its_line_breaks() -> None:
    made = resolve(
        provider_id="p",
        tenant_id=1,
        provider_type="PUSH",
        configuration={"provider_vendor": "fcm", "service_account_secret": "account"},
        secrets={"account": Secret(document(), frozenset())},
        allow_list=(),
        environment={},
    )
    assert made.problem is None
    assert "\n" in document()
    assert "\n" not in made.credentials["service_account"]
    assert tokens.account_of(made).project == PROJECT


def test_a_token_holds_as_long_as_google_says() -> None:
    known = read(200, {"access_token": "ya29.abc", "expires_in": 3599, "token_type": "Bearer"})
    assert known == Known("ya29.abc", 3599)
    assert "ya29" not in repr(known)
    assert read(200, {"access_token": "ya29.abc"}) == Known("ya29.abc", 600)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (400, {"error": "invalid_grant", "error_description": "no"}, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (401, {"error": "invalid_client"}, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (400, {"error": "unauthorized_client"}, Kind.CONFIGURATION, "FORBIDDEN"),
        (400, {"error": "invalid_scope"}, Kind.CONFIGURATION, "FORBIDDEN"),
        (400, {"error": {"code": 400}}, Kind.CONFIGURATION, "HTTP_400"),
        (404, b"<html>", Kind.CONFIGURATION, "HTTP_404"),
        (429, b"", Kind.DEFERRED, "RATE_LIMITED"),
        (500, b"<html>", Kind.DEFERRED, "HTTP_500"),
        (503, b"", Kind.DEFERRED, "UNAVAILABLE"),
        (200, b"<html>", Kind.DEFERRED, "UNREADABLE_ANSWER"),
        (200, {"access_token": ""}, Kind.DEFERRED, "UNREADABLE_ANSWER"),
        (200, {"access_token": "a\r\nX-Injected: 1"}, Kind.DEFERRED, "UNREADABLE_ANSWER"),
        (200, {"access_token": 7}, Kind.DEFERRED, "UNREADABLE_ANSWER"),
    ],
)
def test_without_a_token_the_messages_end_or_wait(status: int, body: Any, kind: Kind, reason: str) -> None:
    outcome = read(status, body)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.reason) == (kind, reason)


def test_a_key_that_is_echoed_is_kept_nowhere() -> None:
    for echoed in (private_pem(), KEY_ID, document()):
        outcome = read(400, {"error": "invalid_grant", "error_description": f"bad {echoed}"})
        assert isinstance(outcome, Outcome)
        assert echoed not in json.loads(json.dumps(str(outcome.error) + json.dumps(outcome.response)))
        assert "PRIVATE KEY-----\\n" not in json.dumps([outcome.error, outcome.response])


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, {"access_token": "ya29.abc", "expires_in": 3599}, verdicts.OK),
        (400, {"error": "invalid_grant"}, verdicts.UNAUTHORIZED),
        (400, {"error": "unauthorized_client"}, verdicts.FORBIDDEN),
        (503, b"", verdicts.VENDOR_ERROR),
        (200, b"<html>", verdicts.UNEXPECTED),
    ],
)
def test_its_health_is_whether_google_gives_a_token(status: int, body: Any, code: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = TRANSPORT.health_request(settings({"timeout_ms": 60_000}))
    assert request is not None
    assert (request.url, request.timeout_ms) == ("https://oauth2.googleapis.com/token", 10_000)
    verdict = TRANSPORT.read_health(settings(), answer(status, raw))
    assert (verdict.code, verdict.ok) == (code, code == verdicts.OK)
    assert "ya29" not in verdict.detail


def test_the_settings_do_not_show_the_account() -> None:
    assert private_pem()[30:60] not in repr(settings())
    assert makers.CANARY not in repr(tokens.account_of(settings()))
