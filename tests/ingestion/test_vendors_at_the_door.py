"""Every vendor that reports by calls, as the sandbox makes them: through the door, into the message's history."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from dispatching.models import DeliveryReceipt, Dispatch
from ingestion.hearing import process_webhooks
from ingestion.models import WebhookCall
from providers.models import Provider
from providers.registry import TRANSPORTS
from providers.sandbox.callbacks import CALLBACKS, Callback, Report, meta, sendgrid
from providers.transports import Hearing
from tests.factories import ProviderFactory
from tests.ingestion.callers import record, taken, token
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = "https://prism.example.com"
WORD = "Canary-9f2c7d-word"
VARIABLE = "PRISM_PROVIDER_DOOR_WORD"


class Told(msgspec.Struct, frozen=True):
    """How a vendor is set up so that it is believed; `secret` "" is the token that we give it."""

    type: str
    configuration: dict[str, Any]
    secret: str = WORD
    reads: bool = True
    """It tells that a message was read."""
    reports: bool = True
    """It tells of messages at all."""


VENDORS = {
    "gateway": Told(
        "WHATSAPP",
        {
            "api_url": "https://g.example.com",
            "authentication": {"type": "none"},
            "webhook": {"signing_key_env_var": VARIABLE},
        },
    ),
    "meta": Told("WHATSAPP", {"webhook": {"app_secret_env_var": VARIABLE, "verify_token_env_var": VARIABLE}}),
    "blip": Told("WHATSAPP", {"webhook": {"token_env_var": VARIABLE}}),
    "evolution": Told("WHATSAPP", {}, secret=""),
    "twilio": Told("SMS", {"auth_token_env_var": VARIABLE}),
    "telegram": Told("TELEGRAM", {}, secret="", reports=False),
    "sendgrid": Told("EMAIL", {"event_webhook": {"public_key": sendgrid.PUBLIC_KEY}}, reads=False),
}


@pytest.fixture(autouse=True)
def deployment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PUBLIC_URL = PUBLIC
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_PROVIDER_*"]
    monkeypatch.setenv(VARIABLE, WORD)


@pytest.fixture(params=sorted(VENDORS))
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def provider_of(vendor: str) -> Provider:
    """Its example, with what makes its calls believable."""
    told = VENDORS[vendor]
    configuration = {**TRANSPORTS[vendor].example, "provider_vendor": vendor, **told.configuration}
    made: Provider = ProviderFactory.create(provider_type=told.type, configuration=configuration)
    return made


def made(provider: Provider, *reports: Report, path: str = "") -> Callback:
    vendor = provider.configuration["provider_vendor"]
    return CALLBACKS[vendor](
        reports,
        secret=VENDORS[vendor].secret or token(provider),
        url=f"{PUBLIC}/webhooks/{path or provider.pk}",
        now=time.time(),
    )


def report(provider: Provider, dispatch: Dispatch, status: str) -> Report:
    configuration = provider.configuration
    account = configuration.get("phone_number_id") or configuration.get("instance") or configuration.get("account_sid")
    to = "777001" if provider.provider_type == "TELEGRAM" else "+5511999999999"
    own = str(dispatch.pk)
    message_id = own if configuration["provider_vendor"] == "blip" else f"m-{dispatch.pk.hex[-12:]}"
    return Report(message_id, status, time.time(), to=to, dispatch_id=own, account=str(account or ""))


def deliver(callback: Callback) -> HttpResponseBase:
    parts = urlsplit(callback.url)
    headers = {name: value for name, value in callback.headers.items() if name.lower() != "content-type"}
    kind = {name.lower(): value for name, value in callback.headers.items()}.get("content-type", "")
    with as_web_process():
        return Client().generic(
            callback.method, f"{parts.path}?{parts.query}", callback.body, content_type=kind, headers=headers
        )


def sent(provider: Provider) -> Dispatch:
    dispatch = taken(provider, known=False)
    record(provider, dispatch, report(provider, dispatch, "sent").message_id)
    return dispatch


# The calls of `http` are what its row says, those of `smtp` are SendGrid's: tests/providers holds both.
ELSEWHERE = {"http", "smtp"}


def test_every_vendor_that_hears_is_tried_here() -> None:
    assert set(VENDORS) | ELSEWHERE == {name for name, each in TRANSPORTS.items() if isinstance(each, Hearing)}


def test_what_it_reports_reaches_the_message(vendor: str) -> None:
    told = VENDORS[vendor]
    if not told.reports:
        return
    provider = provider_of(vendor)
    dispatch = sent(provider)
    for status in ("delivered", *(["read"] if told.reads else [])):
        answer = deliver(made(provider, report(provider, dispatch, status)))
        assert answer.status_code in (200, 204)
    assert process_webhooks() == (2 if told.reads else 1)
    dispatch.refresh_from_db()
    assert dispatch.status == ("READ" if told.reads else "DELIVERED"), [one.error for one in WebhookCall.objects.all()]
    failed = sent(provider)
    deliver(made(provider, report(provider, failed, "failed")))
    process_webhooks()
    failed.refresh_from_db()
    assert failed.status == "FAILED"
    assert failed.reason


def test_what_it_did_not_sign_is_refused(vendor: str) -> None:
    provider = provider_of(vendor)
    callback = made(
        provider, report(provider, taken(provider, known=False), "opted_out" if vendor == "telegram" else "delivered")
    )
    signature_headers = [name for name in callback.headers if name.lower() != "content-type"]
    for wrong in (callback.forged(), callback.without(*signature_headers)):
        assert deliver(wrong).status_code == 401
    assert not WebhookCall.objects.exists()
    assert deliver(callback).status_code in (200, 204)


def test_another_body_below_the_same_signature_is_refused(vendor: str) -> None:
    if vendor in ("blip", "telegram", "evolution"):
        return  # they show a secret and sign nothing
    provider = provider_of(vendor)
    callback = made(provider, report(provider, taken(provider, known=False), "delivered"))
    assert deliver(callback.tampered()).status_code == 401


def test_a_call_that_is_repeated_changes_nothing_more(vendor: str) -> None:
    if not VENDORS[vendor].reports:
        return
    provider = provider_of(vendor)
    dispatch = sent(provider)
    callback = made(provider, report(provider, dispatch, "delivered"))
    for _ in range(2):
        deliver(callback)
    process_webhooks()
    assert DeliveryReceipt.objects.filter(dispatch_id=dispatch.pk).count() == 1


def test_no_secret_of_it_is_stored(vendor: str) -> None:
    provider = provider_of(vendor)
    status = "opted_out" if vendor == "telegram" else "delivered"
    deliver(made(provider, report(provider, taken(provider, known=False), status)))
    (call,) = WebhookCall.objects.all()
    kept = f"{bytes(call.body)!r}{call.query}{call.headers}"
    for secret in (WORD, token(provider), "the-instance-key"):
        assert secret not in kept


def test_meta_is_greeted() -> None:
    provider = provider_of("meta")
    address = f"{PUBLIC}/webhooks/{provider.pk}"
    answer = deliver(meta.greet(token=WORD, url=address))
    assert (answer.status_code, answer.content) == (200, b"1158201444")  # type: ignore[attr-defined]  # no stream
    assert deliver(meta.greet(token="guess", url=address)).status_code == 401


def test_telegram_calls_its_common_address_too() -> None:
    provider = provider_of("telegram")
    dispatch = taken(provider, known=False)
    assert deliver(made(provider, report(provider, dispatch, "opted_out"), path="telegram")).status_code == 200
    assert deliver(made(provider, report(provider, dispatch, "sent"), path="telegram")).status_code == 200
    process_webhooks()
    assert {one.state for one in WebhookCall.objects.all()} == {"done"}
    assert {one.provider_id for one in WebhookCall.objects.all()} == {provider.pk}
