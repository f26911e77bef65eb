"""The three WhatsApp vendors over the real wire: is the connection well, and does the vendor know where to report?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from providers import checking
from providers.models import Health, Provider, Purpose
from providers.probing import check_providers
from providers.webhook_tokens import webhook_token
from tests.factories import ProviderFactory
from tests.providers import declarations
from tests.providers.makers import CANARY, variables_of
from tests.providers.sandbox.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

VENDORS = ("blip", "evolution", "meta")


def set_all(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for vendor in VENDORS:
        for name in variables_of(declarations.of(vendor).simulated("")).values():
            monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def private_network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.PUBLIC_URL = "https://prism.example.com"
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_*"]
    set_all(monkeypatch, CANARY)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(dict.fromkeys(VENDORS, CANARY)) as simulator:
        yield simulator


def checked(vendor: str, url: str, purpose: Purpose = Purpose.CHECK, **changes: Any) -> tuple[Provider, str]:
    """The provider after a look at it, and the code of what was found."""
    configuration = {**declarations.of(vendor).simulated(url), **changes}
    provider: Provider = ProviderFactory.create(configuration=configuration)
    check = checking.request_check(provider, by="ana", purpose=purpose)
    check_providers(max_seconds=20)
    check.refresh_from_db()
    provider.refresh_from_db()
    return provider, check.code


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_connection_that_is_well_is_told_with_its_beginning(vendor: str, simulator: Simulator) -> None:
    provider, code = checked(vendor, simulator.url)
    assert (code, provider.health) == ("OK", Health.HEALTHY)
    assert provider.connected_at is not None
    assert simulator.taken == [], "nobody was written to"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_wrong_credential_is_told(vendor: str, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, "another-credential")
    provider, code = checked(vendor, simulator.url)
    assert (code, provider.health, provider.connected_at) == ("UNAUTHORIZED", Health.FAILING, None)
    assert "another-credential" not in provider.health_message


@pytest.mark.parametrize(("instance", "code"), [("closed-one", "DISCONNECTED"), ("missing-one", "CONFIGURATION")])
def test_an_instance_that_is_closed_or_not_there_is_told_apart(instance: str, code: str, simulator: Simulator) -> None:
    provider, found = checked("evolution", simulator.url, instance=instance)
    assert (found, provider.health) == (code, Health.FAILING)


def test_evolution_is_told_where_to_report(simulator: Simulator, settings: Settings) -> None:
    provider, code = checked("evolution", simulator.url, Purpose.REGISTER)
    assert code == "REGISTERED"
    (told,) = [json.loads(one.body)["webhook"] for one in simulator.requests if b"webhook" in one.body]
    assert told["url"] == f"https://prism.example.com/webhooks/{provider.pk}"
    assert told["headers"] == {"X-Prism-Secret": webhook_token(str(provider.pk), settings.SECRET_KEY)}
