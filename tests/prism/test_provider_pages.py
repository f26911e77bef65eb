"""The provider's page, with the web role's rights: schema errors at their field, secrets that stay inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from campaigns.models import CampaignProvider
from providers.models import Provider, ProviderCheck, ProviderSecret
from providers.registry import TRANSPORTS
from tenants.editions import edition_of
from tests.factories import CampaignProviderFactory, ProviderFactory
from tests.prism.tenancies import Filled
from tests.providers import makers
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
        edition = edition_of(Provider.objects.get(pk=provider.pk))
    row = {"id": str(stored.pk), "provider": str(provider.pk), "name": stored.name, "new_value": "", **secret}
    return client.post(
        reverse("admin:providers_provider_change", args=[provider.pk]), form(configuration, row, edition=edition)
    )


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


# The vendor's form

VENDOR_FORM = {
    "provider_name": "Gateway one",
    "provider_type": "WHATSAPP",
    "is_active": "on",
    "configuration__api_url": "https://gateway.example/messages",
    "configuration__authentication__type": "bearer_token",
    "configuration__authentication__token__source": "_secret",
    "configuration__authentication__token__value": "hunter22",
}
ADD = "admin:providers_provider_add"


def add_by_form(client: Client, vendor: str = "gateway", **fields: str) -> Any:
    return client.post(reverse(ADD) + f"?vendor={vendor}", {**VENDOR_FORM, **fields})


def change_by_form(client: Client, provider: Provider, **fields: str) -> Any:
    with as_owner_role():
        edition = edition_of(Provider.objects.get(pk=provider.pk))
    typed = {**VENDOR_FORM, "configuration__authentication__token__value": "", "edition": edition, **fields}
    return client.post(reverse("admin:providers_provider_change", args=[provider.pk]), typed)


def made(client: Client, **fields: str) -> Provider:
    response = add_by_form(client, **fields)
    assert response.status_code == 302, response.context["adminform"].form.errors
    with as_owner_role():
        return Provider.objects.get(provider_name="Gateway one")


def errors(response: Any) -> dict[str, str]:
    found = response.context["adminform"].form.errors
    return {name: " ".join(texts) for name, texts in found.items()}


def test_first_the_vendor_is_chosen_from_the_registry(two: tuple[Filled, Filled], author: Client) -> None:
    page = author.get(reverse(ADD)).content.decode()
    assert all(f"?vendor={vendor}" in page for vendor in TRANSPORTS)
    assert "configuration__" not in page


def test_a_vendors_form_begins_with_what_is_usual_for_it(two: tuple[Filled, Filled], author: Client) -> None:
    page = author.get(reverse(ADD) + "?vendor=meta")
    assert page.context["adminform"].form.initial["provider_type"] == "WHATSAPP"
    shown = page.content.decode()
    assert "Empty: 3600, this vendor&#x27;s usual pace." in shown or "Empty: 3600, this vendor's usual pace." in shown
    sections = {title: options.get("classes", []) for title, options in page.context["adminform"].fieldsets}
    assert "collapse" not in sections["Approved templates"]
    assert "collapse" in sections["Reports"]
    assert "Default: By number" in shown
    anything = author.get(reverse(ADD) + "?vendor=gateway")
    assert "provider_type" not in anything.context["adminform"].form.initial
    assert "Empty: no limit." in anything.content.decode()


def test_a_second_evolution_provider_of_one_person_is_told_at_the_form(
    two: tuple[Filled, Filled], author: Client
) -> None:
    typed = {
        "configuration__api_url": "https://evolution.example.com",
        "configuration__instance": "growth",
        "configuration__authentication__api_key__source": "_secret",
        "configuration__authentication__api_key__value": "hunter22",
        "owner": str(two[0].user_ids["author"]),
    }
    assert add_by_form(author, "evolution", **typed).status_code == 302
    again = add_by_form(author, "evolution", **typed, provider_name="Another")
    assert again.status_code == 200
    assert "has an Evolution provider already" in errors(again)["__all__"]
    assert add_by_form(author, "evolution", **{**typed, "owner": "", "provider_name": "Ours"}).status_code == 302


def test_the_list_says_the_pace_that_holds(two: tuple[Filled, Filled], author: Client) -> None:
    with as_owner_role():
        ProviderFactory.create(tenant=two[0].tenant, configuration={"provider_vendor": "meta"})
    shown = author.get(reverse("admin:providers_provider_changelist")).content.decode()
    assert "3\u202f600/min (usual)" in shown
    assert "no limit" in shown


def test_a_provider_is_made_from_its_vendors_form(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(
        author,
        provider_type="email",
        configuration__html="on",
        configuration__concurrency="8",
        configuration__retry__max_attempts="5",
        configuration__error_codes__opted_out="STOP\nSAIR\n",
        configuration__path__empty="on",
    )
    assert provider.configuration == {
        "provider_vendor": "gateway",
        "api_url": "https://gateway.example/messages",
        "path": "",
        "authentication": {"type": "bearer_token", "token_secret": "authentication-token"},
        "html": True,
        "concurrency": 8,
        "retry": {"max_attempts": 5},
        "error_codes": {"opted_out": ["STOP", "SAIR"]},
    }
    assert provider.provider_type == "EMAIL"
    stored = secret_of(provider)
    assert (stored.name, stored.value, stored.hosts) == ("authentication-token", "hunter22", ["gateway.example:443"])


def test_saving_the_form_untouched_changes_nothing(two: tuple[Filled, Filled], author: Client) -> None:
    provider = added(author)
    assert change_by_form(author, provider).status_code == 302
    with as_owner_role():
        provider.refresh_from_db()
    assert provider.configuration == GATEWAY
    assert (secret_of(provider).name, secret_of(provider).value) == ("gateway-token", "hunter22")


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"configuration__api_url": "gateway.example"}, "configuration__api_url", "such as https://"),
        ({"configuration__api_url": "http://gateway.example"}, "configuration__api_url", "must begin with https://"),
        ({"configuration__api_url": ""}, "configuration__api_url", "required"),
        ({"configuration__concurrency": "0"}, "configuration__concurrency", "must be 1 or more"),
        ({"configuration__concurrency": "many"}, "configuration__concurrency", "whole number"),
        ({"configuration__retry__base_delay_ms": "60000"}, "configuration__retry__max_delay_ms", "not be shorter"),
        ({"configuration__batch__path": "/x"}, "configuration__batch__max_messages", "required"),
        ({"configuration__authentication__type": "header"}, "configuration__authentication__header_name", "needed"),
        (
            {"configuration__authentication__token__source": ""},
            "configuration__authentication__token__source",
            "token_env_var or token_secret",
        ),
        (
            {"configuration__authentication__token__value": ""},
            "configuration__authentication__token__value",
            "not stored yet",
        ),
        (
            {"configuration__api_url": "https://gateway.example/?token=hunter22", "configuration__path__empty": "on"},
            "configuration__api_url",
            "must not hold credentials",
        ),
    ],
)
def test_an_error_stands_at_its_own_field(
    two: tuple[Filled, Filled], author: Client, typed: dict[str, str], field: str, words: str
) -> None:
    response = add_by_form(author, **typed)
    assert response.status_code == 200
    found = errors(response)
    assert list(found) == [field]
    assert words in found[field]
    assert "hunter22" not in found[field]


def test_a_variable_is_chosen_from_the_operators_list_and_no_other_is_taken(
    two: tuple[Filled, Filled], author: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_PROVIDER_*", "SMS_TOKEN"]
    monkeypatch.setenv("PRISM_PROVIDER_ONE", "canary-of-the-environment")
    page = author.get(reverse(ADD) + "?vendor=gateway").content.decode()
    assert "PRISM_PROVIDER_ONE — set in this process" in page
    assert "SMS_TOKEN — not set in this process" in page
    assert "canary-of-the-environment" not in page
    assert "SECRET_KEY" not in page
    name = "configuration__authentication__token"
    by_variable = {f"{name}__source": "_env_var", f"{name}__value": ""}
    refused = errors(add_by_form(author, **by_variable, **{f"{name}__env": "SECRET_KEY"}))
    assert set(refused) == {f"{name}__env"}
    refused = errors(add_by_form(author, **by_variable, **{f"{name}__env": "*", f"{name}__other": "SECRET_KEY"}))
    assert set(refused) == {f"{name}__other"}
    assert "PROVIDER_ENV_ALLOW_LIST" in refused[f"{name}__other"]
    provider = made(author, **by_variable, **{f"{name}__env": "*", f"{name}__other": "PRISM_PROVIDER_TWO"})
    assert provider.configuration["authentication"]["token_env_var"] == "PRISM_PROVIDER_TWO"


def test_a_changed_host_asks_for_the_secret_at_its_field(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(author)
    moved = {"configuration__api_url": "https://elsewhere.example"}
    refused = change_by_form(author, provider, **moved)
    assert "elsewhere.example:443" in errors(refused)["configuration__authentication__token__value"]
    again = change_by_form(author, provider, **moved, configuration__authentication__token__value="hunter33")
    assert again.status_code == 302
    assert (secret_of(provider).value, secret_of(provider).hosts) == ("hunter33", ["elsewhere.example:443"])


def test_the_form_says_who_set_the_secret_and_for_which_hosts(two: tuple[Filled, Filled], author: Client) -> None:
    page = author.get(reverse("admin:providers_provider_change", args=[made(author).pk])).content.decode()
    assert "by acmeum-author, for gateway.example:443" in page
    assert "hunter22" not in page


def test_a_configuration_that_the_form_cannot_show_is_shown_as_json(two: tuple[Filled, Filled], author: Client) -> None:
    with as_owner_role():
        link = CampaignProvider.objects.get(tenant=two[0].tenant)
        Provider.objects.filter(pk=link.provider_id).update(
            configuration={"provider_vendor": "gateway", "api_url": 7, "surprise": True}
        )
    page = author.get(reverse("admin:providers_provider_change", args=[link.provider_id])).content.decode()
    assert 'name="configuration"' in page
    assert "says things that the form does not show" in page


@pytest.mark.parametrize("vendor", sorted(TRANSPORTS))
def test_each_vendor_s_example_can_be_pasted_as_it_stands_and_opened_in_the_form(
    two: tuple[Filled, Filled], author: Client, settings: Settings, vendor: str
) -> None:
    """Among them the configurations of seed 000."""
    example = TRANSPORTS[vendor].example
    settings.PROVIDER_ENV_ALLOW_LIST = list(makers.variables_of(example).values())
    response = author.post(reverse(ADD) + "?as=json", form(example, provider_type=makers.type_of(vendor)))
    assert response.status_code == 302, errors(response)
    with as_owner_role():
        provider = Provider.objects.get(provider_name="Gateway one")
    assert provider.configuration == example
    page = author.get(reverse("admin:providers_provider_change", args=[provider.pk])).content.decode()
    assert 'name="configuration"' not in page


@pytest.mark.parametrize(
    ("provider_type", "configuration"), [("SMS", {"provider_vendor": "pigeon"}), ("RCS", {"a": 1})]
)
def test_a_vendor_that_is_not_here_is_told_with_those_that_are(
    two: tuple[Filled, Filled], author: Client, provider_type: str, configuration: dict[str, Any]
) -> None:
    response = author.post(reverse(ADD) + "?as=json", form(configuration, provider_type=provider_type))
    told = errors(response)["configuration"]
    assert "known vendors: " in told
    assert "console, " in told


def test_a_provider_that_campaigns_use_keeps_its_vendor(two: tuple[Filled, Filled], author: Client) -> None:
    with as_owner_role():
        provider = CampaignProvider.objects.get(tenant=two[0].tenant).provider
        provider.secrets.all().delete()
        edition = edition_of(provider)
    response = author.post(
        reverse("admin:providers_provider_change", args=[provider.pk]) + "?as=json",
        form({"provider_vendor": "console"}, edition=edition, provider_name=provider.provider_name),
    )
    assert "provider_vendor: it is used by" in errors(response)["configuration"]


# Copy, switch, list


def test_a_copy_is_a_form_filled_without_the_secret(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(author, configuration__concurrency="8")
    asked = author.get(reverse("admin:providers_provider_copy", args=[provider.pk]))
    page = author.get(asked["Location"])
    initial = page.context["adminform"].form
    assert initial["provider_name"].value() == "Gateway one (copy)"
    assert initial["configuration__concurrency"].value() == 8
    assert "hunter22" not in page.content.decode()
    typed = {**VENDOR_FORM, "provider_name": "Gateway two", "configuration__authentication__token__value": ""}
    assert "not stored yet" in str(errors(author.post(asked["Location"], typed)))


def test_switching_off_names_the_active_campaigns_first(two: tuple[Filled, Filled], author: Client) -> None:
    with as_owner_role():
        provider = CampaignProvider.objects.get(tenant=two[0].tenant).provider
    page = author.get(reverse("admin:providers_provider_switch", args=[provider.pk])).content.decode()
    assert "Acmeum_journey" in page
    with as_owner_role():
        provider.refresh_from_db()
        assert provider.is_active
    confirmed = {"action": "deactivate", "_selected_action": str(provider.pk), "confirmed": "yes"}
    author.post(reverse("admin:providers_provider_changelist"), confirmed)
    with as_owner_role():
        provider.refresh_from_db()
    assert not provider.is_active


def test_the_list_takes_the_same_queries_for_many_rows(two: tuple[Filled, Filled], author: Client) -> None:
    address = reverse("admin:providers_provider_changelist")

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert author.get(address).status_code == 200
        return len(captured)

    count()
    before = count()
    with as_owner_role():
        for provider in ProviderFactory.create_batch(20, tenant=two[0].tenant):
            CampaignProviderFactory.create(tenant=two[0].tenant, provider=provider, campaign__tenant=two[0].tenant)
    assert count() == before


def test_providers_are_found_by_feature_with_the_index(two: tuple[Filled, Filled], author: Client) -> None:
    made(author, provider_type="EMAIL", configuration__html="on")
    for feature, found in (("html", 1), ("idempotent", 0)):
        listed = author.get(reverse("admin:providers_provider_changelist"), {"feature": feature})
        assert listed.context["cl"].result_count == found
    with as_owner_role(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("""EXPLAIN SELECT 1 FROM providers WHERE configuration @> '{"html": true}'""")
        assert "providers_config_gin" in str(cursor.fetchall())


# Testing the connection


def as_role(client: Client, filled: Filled, role: str) -> Client:
    with as_owner_role():
        client.force_login(User.objects.get(pk=filled.user_ids[role]))
    return client


def test_saving_asks_for_a_check_and_the_page_follows_it(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(author)
    state = author.get(reverse("admin:providers_provider_checks", args=[provider.pk])).json()
    ((check),) = state["checks"]
    assert (check["state"], check["requested_by"]) == ("waiting", "acmeum-author")
    assert state["health"]["tone"] == "plain"


@pytest.mark.parametrize(("role", "status"), [("author", 202), ("operator", 202), ("admin", 202), ("viewer", 403)])
def test_who_may_ask_for_a_check(two: tuple[Filled, Filled], author: Client, role: str, status: int) -> None:
    provider = made(author)
    client = as_role(author, two[0], role)
    address = reverse("admin:providers_provider_check", args=[provider.pk])
    assert client.post(address, headers={"accept": "application/json"}).status_code == status
    assert client.get(address).status_code == 403


def test_checks_of_another_tenant_are_out_of_sight_and_reach(two: tuple[Filled, Filled], author: Client) -> None:
    with as_owner_role():
        theirs = CampaignProvider.objects.get(tenant=two[1].tenant).provider_id
        before = ProviderCheck.objects.count()
    for name, ask in (("checks", author.get), ("check", author.post), ("switch", author.get)):
        response = ask(reverse(f"admin:providers_provider_{name}", args=[theirs]))
        assert response.status_code in (302, 404)
        assert "Betadois" not in response.content.decode()
    author.post(
        reverse("admin:providers_provider_changelist"),
        {"action": "check_connections", "_selected_action": str(theirs)},
    )
    with as_owner_role():
        assert ProviderCheck.objects.count() == before


def test_the_web_role_can_write_no_result(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(author)
    insert = (
        "INSERT INTO provider_checks (id, tenant_id, provider_id, ok)"
        f" VALUES (gen_random_uuid(), {two[0].tenant.pk}, '{provider.pk}', true)"
    )
    for statement in (
        "UPDATE provider_checks SET ok = true",
        "DELETE FROM provider_checks",
        insert,
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_finished_check_is_told_with_its_words_and_next_step(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(author)
    with as_owner_role():
        ProviderCheck.objects.filter(provider=provider).update(
            state="done", ok=False, code="UNAUTHORIZED", message="HTTP 401", elapsed_ms=12
        )
    (check,) = author.get(reverse("admin:providers_provider_checks", args=[provider.pk])).json()["checks"]
    assert "does not take the credential" in check["summary"]
    assert "Enter the credential again" in check["next_step"]
    assert (check["code"], check["answer"], check["elapsed_ms"]) == ("UNAUTHORIZED", "HTTP 401", 12)


def test_a_deleted_provider_takes_its_checks_along(two: tuple[Filled, Filled], author: Client) -> None:
    provider = made(author)
    author.post(reverse("admin:providers_provider_delete", args=[provider.pk]), {"post": "yes"})
    with as_owner_role():
        assert not ProviderCheck.objects.filter(provider_id=provider.pk).exists()
