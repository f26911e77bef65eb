"""A worker tells a vendor where to report, over the real wire, when a provider is saved and when somebody asks."""

from __future__ import annotations

from unittest import mock

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from providers import authoring, checking
from providers.messages import WireAnswer, WireRequest
from providers.models import Health, Provider, ProviderCheck, Purpose
from providers.probing import check_providers
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings
from providers.transports import health
from providers.transports.gateway import Gateway
from providers.verdicts import Verdict
from tenants.models import Role
from tests.factories import MembershipFactory, ProviderFactory
from tests.providers.servers import vendor
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)


class Told(Gateway):
    """A gateway that is told where to report by a PUT."""

    vendor = "told"

    def register_request(self, settings: ProviderSettings) -> WireRequest | None:
        if settings.configuration.get("path") == "/none":
            return None
        address = (
            f"{settings.configuration['api_url']}/register?to={settings.webhook_url}&secret={settings.webhook_token}"
        )
        return health.get(settings, address, ())

    def read_registration(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return health.read(settings, answer, knocked=False)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setitem(TRANSPORTS, "told", Told())
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.PUBLIC_URL = "https://prism.example.com"


def told(url: str = "http://127.0.0.1:9", **more: str) -> Provider:
    configuration = {"provider_vendor": "told", "api_url": url, "authentication": {"type": "none"}, **more}
    made: Provider = ProviderFactory.create(configuration=configuration)
    return made


def registered(provider: Provider) -> ProviderCheck:
    checking.request_check(provider, by="ana", purpose=Purpose.REGISTER)
    check_providers(max_seconds=20)
    return ProviderCheck.objects.get(provider=provider, purpose=Purpose.REGISTER)


def test_the_vendor_is_told_the_address_and_its_yes_is_shown() -> None:
    with vendor(200) as server:
        provider = told(server.url)
        check = registered(provider)
    (path,) = [path for _method, path, _headers in server.asked if path.startswith("/register")]
    assert f"to=https://prism.example.com/webhooks/{provider.pk}&" in path
    assert f"secret={provider.pk.hex}_" in path
    assert (check.ok, check.code, check.requested_by) == (True, "REGISTERED", "ana")
    assert checking.as_json(check)["summary"]
    assert f"{provider.pk.hex}_" not in check.message


def test_a_no_of_the_vendor_says_nothing_of_the_connection() -> None:
    with vendor(401) as server:
        provider = told(server.url)
        Provider.objects.update(health=Health.HEALTHY, health_checked_at="2099-01-01T00:00:00Z")
        check = registered(provider)
    provider.refresh_from_db()
    assert (check.ok, check.code, provider.health) == (False, "UNAUTHORIZED", Health.HEALTHY)


def test_what_a_worker_does_not_know_is_told(settings: Settings) -> None:
    nothing = registered(told(path="/none"))
    assert (nothing.ok, nothing.code) == (True, "NOTHING_TO_REGISTER")
    settings.PUBLIC_URL = ""
    nowhere = registered(told())
    assert (nowhere.ok, nowhere.code) == (False, "NO_PUBLIC_URL")


def test_an_address_of_its_own_is_told_without_the_public_one(settings: Settings) -> None:
    settings.PUBLIC_URL, settings.PROVIDER_ENV_ALLOW_LIST = "", ["PRISM_*"]
    own = "https://p.example/webhooks/telegram"
    with vendor(200, b'{"ok":true,"result":true}') as server, mock.patch.dict("os.environ", PRISM_BOT="1:x"):
        configuration = {"bot_token_env_var": "PRISM_BOT", "api_url": server.url, "webhook_url": own}
        provider = ProviderFactory.create(provider_type="TELEGRAM", configuration=configuration)
        authoring.store_provider(provider, secrets={}, by="ana")
        check_providers(max_seconds=20)
    check = ProviderCheck.objects.get(provider=provider, purpose=Purpose.REGISTER)
    assert (check.ok, check.code) == (True, "REGISTERED")
    assert "/bot1:x/setWebhook" in [path for _method, path, _headers in server.asked]
    shown = page(provider)
    assert f'data-copy="{own}"' in shown
    assert "Connect webhook" in shown


def test_a_check_and_a_registration_wait_beside_each_other() -> None:
    provider = told()
    first = checking.request_check(provider, by="ana")
    second = checking.request_check(provider, by="ana", purpose=Purpose.REGISTER)
    assert first != second
    assert checking.request_check(provider, by="bea", purpose=Purpose.REGISTER) == second


def test_saving_tells_the_vendor_where_an_address_is_known(settings: Settings) -> None:
    def purposes() -> list[str]:
        return sorted(ProviderCheck.objects.values_list("purpose", flat=True))

    provider = told()
    authoring.store_provider(provider, secrets={}, by="ana")
    assert purposes() == ["check", "register"]
    ProviderCheck.objects.all().delete()
    settings.PUBLIC_URL = ""
    authoring.store_provider(provider, secrets={}, by="ana")
    assert purposes() == ["check"]
    ProviderCheck.objects.all().delete()
    settings.PUBLIC_URL = "https://prism.example.com"
    provider.configuration["provider_vendor"] = "gateway"
    authoring.store_provider(provider, secrets={}, by="ana")
    assert purposes() == ["check"], "nobody tells this vendor"


def page(provider: Provider, role: Role = Role.AUTHOR) -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(MembershipFactory(tenant=provider.tenant, role=role).user)
    with as_web_process():
        return client.get(reverse("admin:providers_provider_change", args=[provider.pk])).content.decode()


def test_the_page_shows_the_address_to_copy_and_what_to_enter(settings: Settings) -> None:
    shown = page(told())
    assert 'data-copy="https://prism.example.com/webhooks/' in shown
    assert "/status" in shown
    assert "Have the gateway post its reports to this address" in shown
    assert "Connect webhook" in shown
    settings.PUBLIC_URL = ""
    without = page(told())
    assert "data-copy" not in without
    assert "Connect webhook" not in without
    assert "Ask the operator to set PUBLIC_URL" in without


def test_the_page_of_a_vendor_that_does_not_report_says_nothing_of_addresses() -> None:
    shown = page(ProviderFactory.create(configuration={"provider_vendor": "console"}))
    assert "Where the vendor reports to" not in shown
    by_hand = page(ProviderFactory.create())
    assert "Where the vendor reports to" in by_hand
    assert "Connect webhook" not in by_hand, "nobody tells this vendor"


def test_the_button_asks_for_it_and_whoever_only_looks_may_not() -> None:
    provider = told()
    address = reverse("admin:providers_provider_register", args=[provider.pk])
    for role, status in ((Role.VIEWER, 403), (Role.AUTHOR, 202), (Role.OPERATOR, 202)):
        client = Client(headers={"accept": "application/json"})
        client.force_login(MembershipFactory(tenant=provider.tenant, role=role).user)
        with as_web_process():
            assert client.post(address).status_code == status
            assert client.get(address).status_code == 403
    assert list(ProviderCheck.objects.values_list("purpose", flat=True)) == ["register"]
