"""A vendor that tells of its own connection: the provider's health is looked at then, not when the clock says so."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from ingestion import webhooks
from ingestion.hearing import process_webhooks
from providers.models import Provider, ProviderCheck
from tests.factories import ProviderFactory
from tests.ingestion.callers import call, kept, token

pytestmark = pytest.mark.django_db(transaction=True)

EVOLUTION = {
    "provider_vendor": "evolution",
    "api_url": "https://evolution.example.com",
    "instance": "growth",
    "authentication": {"api_key_env_var": "PRISM_PROVIDER_EVOLUTION_KEY"},
}


@pytest.fixture(autouse=True)
def reachable(settings: Settings) -> Iterator[None]:
    settings.PUBLIC_URL = "https://prism.example.com"
    webhooks._listeners._kept.clear()
    yield
    webhooks._listeners._kept.clear()


def told(provider: Provider, state: str) -> None:
    event = {"event": "connection.update", "instance": "growth", "data": {"state": state}, "apikey": "instance-key"}
    headers = {"x-prism-secret": token(provider)}
    assert call(provider, json.dumps(event).encode(), path="", secret="", headers=headers).status_code == 200


def test_a_session_that_closes_is_looked_at_once_and_at_once() -> None:
    provider: Provider = ProviderFactory.create(configuration=EVOLUTION)
    for state in ("connecting", "close", "close", "open"):
        told(provider, state)
    assert b"instance-key" not in b"".join(bytes(one.body) for one in kept())
    assert process_webhooks(max_seconds=20) == 4
    (check,) = ProviderCheck.objects.all()
    assert (check.provider_id, check.requested_by, check.state) == (provider.pk, "", "waiting")


def test_what_is_switched_off_is_not_looked_at() -> None:
    provider = ProviderFactory.create(configuration=EVOLUTION, is_active=False)
    told(provider, "close")
    assert process_webhooks(max_seconds=20) == 1
    assert not ProviderCheck.objects.exists()
