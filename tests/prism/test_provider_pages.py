"""The provider's page, with the web role's rights: schema errors at their field, secrets that stay inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from campaigns.models import CampaignProvider
from providers.models import Provider, ProviderSecret
from tests.prism.tenancies import Filled
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

GATEWAY = {
    "provider_vendor": "gateway",
    "api_url": "https://gateway.example/messages",
    "authentication": {"type": "bearer_token", "token_secret": "gateway-token"},
}


@pytest.fixture
def author(two: tuple[Filled, Filled], settings: Settings) -> Iterator[Client]:
    settings.OUTBOUND_ALLOW_PRIVATE = False
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=two[0].user_ids["author"]))
    with as_web_role():
        yield client


def form(configuration: Any, *secrets: dict[str, str], **fields: str) -> dict[str, str]:
    """What the browser posts."""
    data = {
        "provider_type": "WHATSAPP",
        "provider_name": "Gateway one",
        "is_active": "on",
        "configuration": json.dumps(configuration),
        "secrets-TOTAL_FORMS": str(len(secrets)),
        "secrets-INITIAL_FORMS": str(sum("id" in secret for secret in secrets)),
        **fields,
    }
    for index, secret in enumerate(secrets):
        data |= {f"secrets-{index}-{name}": value for name, value in secret.items()}
    return data


def added(client: Client) -> Provider:
    response = client.post(
        reverse("admin:providers_provider_add"), form(GATEWAY, {"name": "gateway-token", "new_value": "hunter22"})
    )
    assert response.status_code == 302, errors_of(response)
    with as_owner_role():
        return Provider.objects.get(provider_name="Gateway one")


def errors_of(response: Any) -> Any:
    formsets = response.context["inline_admin_formsets"]
    return response.context["adminform"].form.errors, [
        (one.formset.errors, one.formset.non_form_errors()) for one in formsets
    ]


def change(client: Client, provider: Provider, configuration: Any, **secret: str) -> Any:
    with as_owner_role():
        stored = provider.secrets.get()
    row = {"id": str(stored.pk), "provider": str(provider.pk), "name": stored.name, "new_value": "", **secret}
    return client.post(reverse("admin:providers_provider_change", args=[provider.pk]), form(configuration, row))


def secret_of(provider: Provider) -> ProviderSecret:
    with as_owner_role():
        stored = provider.secrets.get()
        assert stored.value
        return stored


def test_a_provider_is_saved_with_its_secret_bound_to_its_hosts(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    stored = secret_of(provider)
    assert (stored.value, stored.hosts, stored.tenant_id) == ("hunter22", ["gateway.example:443"], two[0].tenant.pk)
    assert (provider.created_by, stored.created_by) == ("acmeum-author", "acmeum-author")


def test_a_secret_is_never_shown_again(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    for page in ("change", "delete", "history"):
        page_text = author.get(reverse(f"admin:providers_provider_{page}", args=[provider.pk])).content.decode()
        assert "hunter22" not in page_text
        assert "Gateway one" in page_text


def test_a_secret_left_empty_keeps_what_is_stored(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    assert change(author, provider, {**GATEWAY, "concurrency": 8}).status_code == 302
    assert secret_of(provider).value == "hunter22"
    with as_owner_role():
        provider.refresh_from_db()
    assert provider.configuration["concurrency"] == 8


def test_another_host_asks_for_the_secret_again(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    moved = {**GATEWAY, "api_url": "https://elsewhere.example/messages"}
    refused = change(author, provider, moved)
    assert refused.status_code == 200
    assert "was not entered for elsewhere.example:443" in refused.content.decode()
    assert change(author, provider, moved, new_value="hunter33").status_code == 302
    stored = secret_of(provider)
    assert (stored.value, stored.hosts) == ("hunter33", ["elsewhere.example:443"])


def test_a_secret_that_is_named_must_be_there(two: tuple[Filled, Filled], author: Client) -> None:
    response = author.post(reverse("admin:providers_provider_add"), form(GATEWAY))
    assert "authentication.token_secret names the secret “gateway-token”" in response.content.decode()
    with as_owner_role():
        assert not Provider.objects.filter(provider_name="Gateway one").exists()


def test_a_secret_that_is_used_cannot_be_taken_out(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    response = change(author, provider, GATEWAY, DELETE="on")
    assert "which is not stored here" in response.content.decode()
    assert secret_of(provider).value == "hunter22"


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ({**GATEWAY, "authentication": {"type": "bearer_token", "token": "hunter22"}}, "authentication.token"),
        ({**GATEWAY, "api_ulr": "x"}, "api_ulr"),
        ({**GATEWAY, "provider_vendor": "nobody"}, "known vendors"),
        ({**GATEWAY, "api_url": "http://127.0.0.1/"}, "api_url"),
        (
            {**GATEWAY, "authentication": {"type": "bearer_token", "token_env_var": "SECRET_KEY"}},
            "PROVIDER_ENV_ALLOW_LIST",
        ),
        ([], "object"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_path(
    two: tuple[Filled, Filled], author: Client, configuration: Any, told: str
) -> None:
    response = author.post(
        reverse("admin:providers_provider_add"),
        form(configuration, {"name": "gateway-token", "new_value": "x"}),
    )
    assert response.status_code == 200
    assert told in str(response.context["adminform"].form.errors["configuration"])


def test_a_name_that_is_taken_is_told_at_the_form(two: tuple[Filled, Filled], author: Client) -> None:
    added(author)
    response = author.post(
        reverse("admin:providers_provider_add"), form(GATEWAY, {"name": "gateway-token", "new_value": "x"})
    )
    assert "already a provider of this type with this name" in response.content.decode()


def test_a_name_that_another_tenant_has_is_free(two: tuple[Filled, Filled], author: Client) -> None:
    response = author.post(
        reverse("admin:providers_provider_add"),
        form({"provider_vendor": "console"}, provider_name="Betadois gateway"),
    )
    assert response.status_code == 302


def test_a_provider_in_use_is_not_deleted_and_its_users_are_named(two: tuple[Filled, Filled], author: Client) -> None:
    with as_owner_role():
        link = CampaignProvider.objects.get(tenant=two[0].tenant)
        named = str(link)
    page = reverse("admin:providers_provider_delete", args=[link.provider_id])
    assert named in author.get(page).content.decode()
    author.post(page, {"post": "yes"})
    with as_owner_role():
        assert Provider.objects.filter(pk=link.provider_id).exists()


def test_a_provider_that_nobody_uses_is_deleted_with_its_secrets(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    page = reverse("admin:providers_provider_delete", args=[provider.pk])
    assert author.post(page, {"post": "yes"}).status_code == 302
    with as_owner_role():
        assert not Provider.objects.filter(pk=provider.pk).exists()
        assert not ProviderSecret.objects.filter(name="gateway-token").exists()


def test_a_viewer_reads_and_changes_nothing(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    with as_owner_role():
        author.force_login(User.objects.get(pk=two[0].user_ids["viewer"]))
    page = author.get(reverse("admin:providers_provider_change", args=[provider.pk]))
    assert "gateway-token" in page.content.decode()
    assert 'name="configuration"' not in page.content.decode()
    assert change(author, provider, {"provider_vendor": "console"}).status_code == 403


def test_providers_are_found_by_vendor(two: tuple[Filled, Filled], author: Client) -> None:
    added(author)
    for vendor, found in (("gateway", 2), ("console", 0)):
        listed = author.get(reverse("admin:providers_provider_changelist"), {"vendor": vendor})
        assert listed.context["cl"].result_count == found
