"""The door for vendors' calls, as the web role answers it: verified, stored, and nothing besides."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY
from pytest_django import Settings

from ingestion import webhooks
from ingestion.models import CallState, WebhookCall
from providers import listeners
from providers.models import Provider
from providers.registry import TRANSPORTS
from providers.webhook_tokens import provider_of, webhook_token
from tenants.scope import tenant_scope
from tests.factories import ProviderFactory, ProviderSecretFactory
from tests.ingestion.callers import call, cannot_read, kept, reports, talkative, token
from tests.ingestion.fake_vendor import SECRET, Talkative
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

DELIVERED = {"id": "m-1", "word": "delivered"}


@pytest.fixture(autouse=True)
def vendor(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Talkative]:
    made = Talkative()
    monkeypatch.setitem(TRANSPORTS, "talkative", made)
    settings.PUBLIC_URL = "https://prism.example.com"
    webhooks._listeners._kept.clear()
    yield made
    webhooks._listeners._kept.clear()


def counted(result: str, vendor: str = "talkative") -> float:
    return REGISTRY.get_sample_value("prism_webhook_calls_total", {"vendor": vendor, "result": result}) or 0.0


def test_a_call_is_stored_as_it_came_and_answered() -> None:
    provider, before = talkative(), counted("stored")
    body = reports({**DELIVERED, "text": "Olá 👋 ação"})
    answer = call(provider, body, path="/status/today/?dispatch=7&dispatch=8", headers={"authorization": "Basic x"})
    assert (answer.status_code, answer.content) == (204, b"")  # type: ignore[attr-defined]  # no stream
    (one,) = kept()
    assert (one.tenant_id, one.provider_id, one.method, one.path) == (
        provider.tenant_id,
        provider.pk,
        "POST",
        "status/today",
    )
    assert (one.query, bytes(one.body), one.state) == ("dispatch=7&dispatch=8", body, CallState.WAITING)
    assert one.headers == {"content-type": "application/json"}, "no header that a secret could stand in"
    assert counted("stored") == before + 1


def test_answering_takes_two_statements_and_the_provider_is_read_once_in_a_while() -> None:
    provider = talkative()
    with as_web_process():
        for statements in (2, 1, 1):
            with CaptureQueriesContext(connection) as caught:
                Client().post(
                    f"/webhooks/{provider.pk}/",
                    reports(DELIVERED),
                    content_type="application/json",
                    headers={"x-secret": token(provider)},
                )
            assert len(caught) == statements, [query["sql"][:100] for query in caught]


def test_what_the_provider_says_is_read_again_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = talkative()
    assert call(provider, b"[]").status_code == 204
    Provider.objects.filter(pk=provider.pk).update(configuration={"provider_vendor": "console"})
    assert call(provider, b"[]").status_code == 204, "known for some seconds"
    monkeypatch.setattr("providers.listeners.GOOD_FOR_S", -1)
    webhooks._listeners._kept.clear()
    assert call(provider, b"[]").status_code == 404
    assert call(provider, b"[]").status_code == 404, "unchanged, from memory"


@pytest.mark.parametrize("secret", ["", "wrong", "é", "0" * 100_000])
def test_a_wrong_or_missing_signature_is_refused_counted_and_not_stored(secret: str) -> None:
    before = counted("unsigned")
    assert call(talkative(), reports(DELIVERED), secret=secret).status_code == 401
    assert kept() == []
    assert counted("unsigned") == before + 1


def test_the_secret_of_one_provider_opens_no_other() -> None:
    mine, theirs = talkative(), talkative()
    assert call(mine, reports(DELIVERED), secret=token(theirs)).status_code == 401
    assert kept() == []


@pytest.mark.parametrize(
    "place", ["0198f3a0-0000-7000-8000-000000000001", "nobody", "", "telegrams", "..", "%00", "' OR 1=1 --"]
)
def test_an_unknown_provider_is_not_found(place: str) -> None:
    assert call(place, reports(DELIVERED), secret="x").status_code == 404
    assert kept() == []


def test_a_vendor_that_makes_no_calls_is_not_found() -> None:
    silent = ProviderFactory.create(configuration={"provider_vendor": "console"})
    assert call(silent, b"[]").status_code == 404


def test_a_provider_that_is_switched_off_is_still_heard_and_one_of_a_closed_organisation_is_not() -> None:
    provider = talkative(is_active=False)
    assert call(provider, reports(DELIVERED)).status_code == 204
    other = talkative()
    other.tenant.is_active = False
    other.tenant.save()
    assert call(other, reports(DELIVERED)).status_code == 404


def test_a_missing_credential_of_its_own_does_not_make_a_provider_deaf() -> None:
    provider = talkative()
    Provider.objects.filter(pk=provider.pk).update(
        configuration={"provider_vendor": "talkative", "token_env_var": "PRISM_PROVIDER_NOT_SET"}
    )
    assert call(provider, reports(DELIVERED)).status_code == 204


def test_a_huge_body_is_refused_before_it_is_read(settings: Settings) -> None:
    settings.WEBHOOK_MAX_BODY_BYTES = 1000
    provider = talkative()
    assert call(provider, b"x" * 1001).status_code == 413
    assert call(provider, b"x" * 1000).status_code == 204
    assert len(kept()) == 1


def test_a_body_over_what_forms_may_have_is_taken_where_the_setting_lets_it(settings: Settings) -> None:
    settings.WEBHOOK_MAX_BODY_BYTES = 5_000_000
    assert call(talkative(), b"x" * 3_000_000).status_code == 204


def test_a_body_of_unknown_length_is_refused() -> None:
    answer = call(talkative(), b"", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert answer.status_code == 411


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b'{"a": "\\u0000\xed\xa0\x80"}', "ação 👋".encode("utf-16")])
def test_whatever_a_verified_call_holds_is_stored_and_answered(body: bytes) -> None:
    answer = call(talkative(), body, path="/%00/%ff/" + "x" * 500 + "?a=%00%ff&b=" + "y" * 5000)
    assert answer.status_code == 204
    (one,) = kept()
    assert bytes(one.body) == body
    assert (len(one.path), len(one.query)) == (200, 2000)


def test_secrets_are_taken_out_before_anything_is_stored() -> None:
    call(talkative(), reports({**DELIVERED, "apikey": SECRET}), path=f"/?apikey={SECRET}")
    (one,) = kept()
    assert SECRET.encode() not in bytes(one.body)
    assert one.query == "apikey=[redacted]"


def test_what_cannot_be_redacted_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Talkative, "redact", lambda *_: 1 / 0)
    answer = call(talkative(), reports(DELIVERED))
    assert answer.status_code == 503, "the vendor calls again"
    assert kept() == []


def test_a_transport_that_stumbles_over_a_stranger_refuses_him(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Talkative, "verify", lambda *_: 1 / 0)
    assert call(talkative(), reports(DELIVERED)).status_code == 401


def test_a_challenge_is_greeted_only_for_the_right_word() -> None:
    provider = talkative()
    with as_web_process():
        address = f"/webhooks/{provider.pk}/"
        right = Client().get(address, {"challenge": "<b>42</b>", "token": token(provider)})
        wrong = Client().get(address, {"challenge": "42", "token": "guess"})
        bare = Client().get(address)
    assert (right.status_code, right.content) == (200, b"<b>42</b>")
    assert right.headers["Content-Type"].startswith("text/plain")
    assert right.headers["X-Content-Type-Options"] == "nosniff"
    assert (wrong.status_code, bare.status_code) == (401, 401)
    assert kept() == []


@pytest.mark.parametrize("method", ["put", "delete", "head", "options", "patch"])
def test_other_methods_are_refused(method: str) -> None:
    provider = talkative()
    with as_web_process():
        answer = getattr(Client(), method)(f"/webhooks/{provider.pk}/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_signatures_are_made_over_the_public_address_whatever_the_host_header_says(
    vendor: Talkative, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(vendor, "verify", lambda _settings, asked: not seen.append(asked))  # type: ignore[func-returns-value]  # None, which is what is wanted
    provider = talkative()
    call(provider, b"[]", path="/status?a=1&b=%C3%A7&a=2", headers={"host": "evil.example.com"})
    (asked,) = seen
    assert asked.url == f"https://prism.example.com/webhooks/{provider.pk}/status?a=1&b=%C3%A7&a=2"
    assert dict(asked.query) == {"a": "1", "b": "ç"}
    assert (asked.path, asked.headers["x-secret"]) == ("status", token(provider))


def test_nothing_of_a_session_a_language_or_a_form_is_asked_for() -> None:
    provider = talkative()
    with as_web_process():
        client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
        client.cookies["sessionid"] = "somebody"
        answer = client.post(
            f"/webhooks/{provider.pk}/",
            b"[]",
            content_type="application/json",
            headers={"x-secret": token(provider), "host": "unknown.example.com"},
        )
    assert answer.status_code == 204
    assert not answer.cookies
    assert "Vary" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_telegrams_common_address_finds_its_provider_by_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Talkative,
        "verify",
        lambda _self, settings, asked: asked.headers[webhooks.TELEGRAM_HEADER] == settings.webhook_token,
    )
    first, second = talkative(), talkative()
    for provider in (second, first):
        header = {webhooks.TELEGRAM_HEADER: token(provider)}
        assert call("telegram", reports(DELIVERED), path="", headers=header).status_code == 204
    assert [one.provider_id for one in kept()] == [second.pk, first.pk]
    forged = f"{first.pk.hex}_{token(second).partition('_')[2]}"
    for wrong in ("", "x", forged, token(first) + "x"):
        header = {webhooks.TELEGRAM_HEADER: wrong} if wrong else {}
        assert call("telegram", b"{}", path="", headers=header).status_code == 401
    assert len(kept()) == 2


def test_a_token_names_its_provider_and_needs_our_key() -> None:
    provider_id = "0198f3a0-0000-7000-8000-000000000001"
    made = webhook_token(provider_id, "key")
    assert len(made) == 76
    assert provider_of(made) == provider_id
    assert webhook_token(provider_id, "another") != made
    assert webhook_token(provider_id, "") == ""


def said_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about calls that were not taken; one with a stack would name it."""
    lines = [record.getMessage() for record in caplog.records if record.name == "prism.ingestion"]
    assert not [one for one in lines if "Traceback" in one or "webhook_not_taken" not in one]
    return lines


def test_trouble_of_the_database_asks_the_vendor_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    provider = talkative()
    port = connection.settings_dict["PORT"]
    secret = token(provider)
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        answer = Client().post(f"/webhooks/{provider.pk}/", b"[]", content_type="x/y", headers={"x-secret": secret})
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    (line,) = said_of(caplog)
    assert str(provider.pk) in line


@pytest.mark.parametrize("statement", ["_FIND", "_KEEP"])
def test_whatever_the_database_refuses_asks_the_vendor_to_come_again(
    statement: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provider = talkative()
    monkeypatch.setattr(listeners if statement == "_FIND" else webhooks, statement, "SELECT prism_no_such_function()")
    assert call(provider, b"[]").status_code == 503
    assert len(said_of(caplog)) == 1


def test_a_row_that_cannot_be_read_asks_the_vendor_to_come_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provider, other = talkative(), talkative()
    cannot_read(monkeypatch, provider)
    answer = call(provider, reports(DELIVERED))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    (line,) = said_of(caplog)
    assert "the provider's row cannot be read" in line
    assert "canary" not in line
    assert call(other, reports(DELIVERED)).status_code == 204, "nobody else is touched"


def test_the_web_role_stores_for_the_providers_own_tenant_only_and_learns_nothing_while_signed_in() -> None:
    provider, other = talkative(), talkative()
    ProviderSecretFactory.create(provider=provider, name="word", value=SECRET)
    find = "SELECT secret_names, secret_values FROM prism_webhook_provider(%s, NULL)"
    keep = "SELECT prism_keep_webhook_call(%s, 'POST', '', '', '{}', 'x')"
    with as_web_process(), connection.cursor() as cursor:
        cursor.execute(find, [provider.pk])
        names, values = cursor.fetchone()
        assert names == ["word"]
        assert SECRET.encode() not in bytes(values[0])
        cursor.execute(keep, [provider.pk])
        with tenant_scope(other.tenant_id):
            cursor.execute(find, [provider.pk])
            assert cursor.fetchone() is None
            cursor.execute(keep, [provider.pk])
            assert cursor.fetchone() == (None,)
            cursor.execute("SELECT count(*) FROM webhook_calls")
            assert cursor.fetchone() == (0,), "another tenant's"
        cursor.execute("SELECT count(*) FROM webhook_calls")
        assert cursor.fetchone() == (0,), "nobody's"
        with tenant_scope(provider.tenant_id):
            cursor.execute("SELECT count(*) FROM webhook_calls")
            assert cursor.fetchone() == (1,)
    (one,) = kept()
    assert one.tenant_id == provider.tenant_id


def test_calls_go_with_their_provider() -> None:
    provider = talkative()
    call(provider, b"[]")
    provider.delete()
    assert not WebhookCall.objects.exists()


def test_ninety_five_of_a_hundred_answers_come_well_within_a_quarter_of_a_second() -> None:
    provider = talkative()
    body, took = reports(*(DELIVERED for _ in range(50))), []
    request_started.disconnect(close_old_connections)
    try:
        with as_web_process():
            client = Client(headers={"x-secret": token(provider)})
            for _ in range(100):
                began = time.perf_counter()
                assert (
                    client.post(f"/webhooks/{provider.pk}/", body, content_type="application/json").status_code == 204
                )
                took.append(time.perf_counter() - began)
    finally:
        request_started.connect(close_old_connections)
    assert sorted(took)[94] < 0.25
