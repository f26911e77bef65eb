"""Templates, providers, attributes, and who may act: the rest of what is set up over the API."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences.models import AttributeDefinition
from providers.circuits import ProviderCircuit
from providers.models import Provider, ProviderSecret
from tenants.models import Membership, Role, Tenant
from tests.api.callers import Caller, codes_of, key_of
from tests.factories import MembershipFactory, ProviderFactory, SegmentFactory, TemplateFactory
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

TEMPLATE = {"template_code": "tpl", "template_name": "Oferta", "channel": "WHATSAPP", "body": "Olá {{name}}"}
GATEWAY = {
    "provider_vendor": "gateway",
    "api_url": "https://gateway.example.com/v1",
    "authentication": {"type": "bearer_token", "token_secret": "token"},
}
PROVIDER = {"provider_type": "WHATSAPP", "provider_name": "Gateway", "configuration": GATEWAY}


def made(caller: Caller, path: str, body: Any) -> tuple[str, Any]:
    answer = caller.post(path, body)
    assert answer.status_code == 201, answer.content
    return str(answer["Location"]).removeprefix("/api/"), answer


def test_a_templates_changes_are_versions(caller: Caller) -> None:
    place, first = made(caller, "templates", TEMPLATE)
    assert (first.json()["placeholders"], first.json()["version"]) == (["name"], 1)
    second = caller.patch(place, {"body": "Oi {{name}}, {{product}}"}, first["ETag"])
    assert (second.json()["placeholders"], second.json()["version"]) == (["name", "product"], 2)
    assert caller.patch(place, {"template_name": "Other"}, second["ETag"]).json()["version"] == 2
    versions = caller.get(f"{place}/versions").json()["results"]
    assert [(one["number"], one["body"]) for one in versions] == [(2, "Oi {{name}}, {{product}}"), (1, "Olá {{name}}")]
    assert caller.get(f"templates/{uuid.uuid4()}/versions").status_code == 404
    assert caller.delete(place, "*").status_code == 405


def test_a_template_is_rendered_and_what_looks_wrong_is_told(caller: Caller) -> None:
    place, _answer = made(caller, "templates", {**TEMPLATE, "body": "Olá {{name}}, {{ preço }}", "variants": ["Oi"]})
    shown = caller.post(f"{place}/preview", {"values": {"name": "Ana"}}).json()
    assert (shown["body"], shown["variants"], shown["missing"]) == ("Olá Ana, {{ preço }}", ["Oi"], [])
    assert "{{ preço }}" in caller.get(f"{place}/warnings").json()["warnings"][0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"variants": [""]}, {"#/variants/0": "blank"}),
        ({"variants": ["x"] * 21}, {"#/variants": "max_length"}),
        ({"media_url": "no address"}, {"#/media_url": "invalid"}),
        ({"body": "x" * 100_001}, {"#/body": "max_length"}),
    ],
)
def test_a_template_that_cannot_be_is_told(caller: Caller, change: dict[str, Any], told: dict[str, str]) -> None:
    assert codes_of(caller.post("templates", {**TEMPLATE, **change})) == told


def test_a_template_is_there_once_per_language(caller: Caller) -> None:
    made(caller, "templates", TEMPLATE)
    made(caller, "templates", {**TEMPLATE, "locale": "en"})
    assert codes_of(caller.post("templates", TEMPLATE)) == {"#/template_code": "unique"}


def test_a_provider_is_made_with_its_secret_which_never_comes_back(caller: Caller) -> None:
    place, answer = made(caller, "providers", {**PROVIDER, "secrets": {"token": "hunter22hunter22"}})
    assert answer.json()["vendor"] == "gateway"
    listed = caller.get(f"{place}/secrets")
    assert [(one["name"], one["hosts"]) for one in listed.json()] == [("token", ["gateway.example.com:443"])]
    put = caller.put(f"{place}/secrets/token", {"value": "hunter33hunter33"})
    assert put.status_code == 200, put.content
    for response in (answer, listed, put, caller.get(place), caller.get("providers")):
        assert b"hunter" not in response.content
    with as_owner():
        assert ProviderSecret.objects.get().value == "hunter33hunter33"
    kept = caller.delete(f"{place}/secrets/token")
    assert (kept.status_code, kept.json()["code"]) == (409, "in_use")
    assert caller.put(f"{place}/secrets/spare", {"value": "x"}).status_code == 200
    assert caller.delete(f"{place}/secrets/spare").status_code == 204
    assert caller.delete(f"{place}/secrets/spare").status_code == 404
    assert caller.delete(place, "*").status_code == 204


def test_a_person_has_one_evolution_provider_at_most(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        MembershipFactory.create(tenant=tenant, user__username="ana")
    configuration = {
        "provider_vendor": "evolution",
        "api_url": "https://evolution.example.com",
        "instance": "growth",
        "authentication": {"api_key_secret": "key"},
    }
    body = {"provider_type": "WHATSAPP", "configuration": configuration, "secrets": {"key": "hunter22hunter22"}}
    _place, first = made(caller, "providers", {**body, "provider_name": "Ana's", "owner": "ana"})
    assert (first.json()["vendor"], first.json()["connected_at"]) == ("evolution", None)
    again = caller.post("providers", {**body, "provider_name": "Ana's second", "owner": "ana"})
    assert again.status_code == 422
    assert "Evolution provider already" in again.content.decode()
    made(caller, "providers", {**body, "provider_name": "The company's"})


def test_a_provider_tells_its_health_and_whether_it_is_used_now(caller: Caller, tenant: Tenant) -> None:
    place, answer = made(caller, "providers", {**PROVIDER, "secrets": {"token": "hunter22hunter22"}})
    unused = {"state": "closed", "reason": "", "since": None, "next_try": None}
    assert (answer.json()["circuit"], answer.json()["health"]) == (unused, "unknown")
    pk, then = place.rpartition("/")[2], dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    with as_owner():
        Provider.objects.filter(pk=pk).update(health="failing", health_checked_at=then, health_message="UNAUTHORIZED")
        trouble = {"state": "paused", "reason": "UNAUTHORIZED", "since": then, "probe_at": then}
        ProviderCircuit.objects.update_or_create(provider_id=pk, defaults={"tenant": tenant, **trouble})
    shown = caller.get(place)
    told = {"state": "paused", "reason": "UNAUTHORIZED", "since": "2099-01-01T00:00:00Z"}
    assert shown.json()["circuit"] == {**told, "next_try": "2099-01-01T00:00:00Z"}
    assert shown.json()["health_message"] == "UNAUTHORIZED"
    assert caller.get("providers").json()["results"][0]["circuit"] == shown.json()["circuit"]
    assert shown["ETag"] == answer["ETag"], "it changes by itself"
    with as_owner():
        ProviderCircuit.objects.update(probing_until=then)
    assert caller.get(place).json()["circuit"] == {**told, "state": "half_open", "next_try": None}
    changed = caller.patch(place, {"configuration": {**GATEWAY, "timeout_ms": 4000}}, shown["ETag"])
    assert changed.json()["circuit"] == unused, "a corrected configuration resumes it"
    assert changed.json()["health"] == "unknown"
    refused = caller.patch(place, {"circuit": {"state": "open"}}, "*")
    assert codes_of(refused) == {"#/circuit": "read_only"}


def test_a_hold_that_is_over_is_none(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        provider = ProviderFactory.create(tenant=tenant)
        long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        held = {"state": "held", "reason": "RATE_LIMITED", "since": long_ago, "probe_at": long_ago}
        ProviderCircuit.objects.create(provider=provider, tenant=tenant, **held)
    assert caller.get(f"providers/{provider.pk}").json()["circuit"]["state"] == "closed"


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ({**GATEWAY, "api_key": "hunter22"}, {"#/configuration/api_key": "configuration"}),
        ({**GATEWAY, "provider_vendor": "nobody"}, {"#/configuration/provider_vendor": "configuration"}),
        ({**GATEWAY, "timeout_ms": "x"}, {"#/configuration/timeout_ms": "configuration"}),
        (GATEWAY, {"#/configuration/authentication/token_secret": "configuration"}),
        ([], {"#/configuration": "configuration"}),
    ],
)
def test_what_is_wrong_in_a_configuration_has_its_place(
    caller: Caller, configuration: Any, told: dict[str, str]
) -> None:
    answer = caller.post("providers", {**PROVIDER, "configuration": configuration})
    assert answer.status_code == 422
    assert told.items() <= codes_of(answer).items()
    assert b"hunter22" not in answer.content


def test_providers_are_found_by_vendor_and_feature(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        ProviderFactory.create(tenant=tenant, provider_name="one", configuration={"provider_vendor": "gateway"})
        features = {"provider_vendor": "console", "features": {"short_urls": True}}
        ProviderFactory.create(tenant=tenant, provider_name="two", configuration=features)
    for query, name in (("vendor=gateway", "one"), ("feature=short_urls", "two")):
        assert [row["provider_name"] for row in caller.get(f"providers?{query}").json()["results"]] == [name]


def test_a_connection_is_checked_by_a_worker(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        provider = ProviderFactory.create(tenant=tenant)
    asked = caller.post(f"providers/{provider.pk}/checks")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    place = asked["Location"].removeprefix("/api/")
    assert caller.get(place).json()["requested_by"] == "API: crm"
    assert [one["id"] for one in caller.get(f"providers/{provider.pk}/checks").json()] == [asked.json()["id"]]


def test_a_vendors_form_can_be_made_of_what_it_tells(caller: Caller) -> None:
    vendors = {one["vendor"]: one for one in caller.get("provider-vendors").json()}
    assert vendors["gateway"]["configuration_schema"]["type"] == "object"
    assert vendors["gateway"]["example"]["provider_vendor"] == "gateway"


def test_attributes_fill_a_drop_down_and_only_the_own_ones_change(caller: Caller) -> None:
    shown = {row["name"]: row for row in caller.get("contact-attributes?limit=200").json()["results"]}
    first = shown["first_name"]
    assert (first["type"], first["shared"], bool(first["label"]), bool(first["example"])) == (
        "string",
        True,
        True,
        True,
    )
    assert caller.patch(f"contact-attributes/{first['id']}", {"group": "x"}, "*").status_code == 403
    assert caller.delete(f"contact-attributes/{first['id']}", "*").status_code == 403
    place, answer = made(caller, "contact-attributes", {"name": "score", "type": "number"})
    assert caller.patch(place, {"example": "5"}, answer["ETag"]).json()["example"] == "5"
    assert codes_of(caller.post("contact-attributes", {"name": "first_name", "type": "string"})) == {
        "#/name": "invalid"
    }
    assert caller.delete(place, "*").status_code == 204
    with as_owner():
        assert AttributeDefinition.objects.filter(name="first_name").exists()


def test_the_organisation_is_one_row_at_one_address(caller: Caller) -> None:
    shown = caller.get("organisation")
    assert shown.json()["slug"] == "acme"
    changed = caller.patch("organisation", {"name": "Acme Ltda"}, shown["ETag"])
    assert (changed.status_code, changed.json()["name"]) == (200, "Acme Ltda")
    assert codes_of(caller.patch("organisation", {"timezone": "Mars"}, "*")) == {"#/timezone": "unknown_timezone"}
    assert caller.patch("organisation", {"name": "x"}, shown["ETag"]).status_code == 412


def test_what_was_changed_and_by_whom_is_told_to_administrators(caller: Caller, tenant: Tenant) -> None:
    place, answer = made(caller, "segments", {"code": "vip", "name": "VIP"})
    caller.patch(place, {"name": "Very"}, answer["ETag"])
    changed, added = caller.get("changes?kind=audiences.segment").json()["results"]
    assert (changed["deed"], added["deed"], changed["username"]) == ("update", "insert", None)
    assert changed["object_id"] == answer.json()["id"]
    assert "VIP" in str(changed["changes"])
    assert changed["origin"]["key"]
    assert codes_of(caller.get("changes?kind=nothing")) == {"kind": "invalid_choice"}
    assert caller.get("changes?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z").json()["results"] == []
    with as_owner():
        reader = Caller(key_of(tenant.pk, "view", name="reader"))
    assert reader.get("changes").status_code == 403


def test_roles_are_changed_by_others(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        member = MembershipFactory.create(tenant=tenant, role=Role.ADMIN)
    changed = caller.patch(f"members/{member.pk}", {"role": "viewer"}, "*")
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert changed.json()["username"] == member.user.username
    assert codes_of(caller.patch(f"members/{member.pk}", {"username": "x"}, "*")) == {"#/username": "read_only"}
    assert caller.post("members", {}).status_code == 405
    with as_owner():
        Membership.objects.update(role=Role.ADMIN)
    client = Client()
    client.force_login(member.user)
    own = client.patch(
        f"/api/members/{member.pk}", {"role": "viewer"}, content_type="application/json", headers={"if-match": "*"}
    )
    assert own.status_code == 403
    assert caller.delete(f"members/{member.pk}", "*").status_code == 204


def test_a_key_is_shown_once_and_can_be_revoked(caller: Caller) -> None:
    place, answer = made(caller, "api-keys", {"name": "erp", "scopes": ["view", "view"]})
    key = answer.json()["key"]
    assert answer.json()["scopes"] == ["view"]
    assert Caller(key).get("segments").status_code == 200
    assert key not in caller.get(place).content.decode()
    assert key not in caller.get("api-keys").content.decode()
    assert caller.patch(place, {"name": "erp 2"}, answer["ETag"]).json()["name"] == "erp 2"
    assert caller.post(f"{place}/revoke").json()["revoked_at"]
    assert Caller(key).get("segments").status_code == 401
    assert caller.delete(place, "*").status_code == 204


def test_nobody_hands_on_a_scope_that_he_has_not(tenant: Tenant) -> None:
    limited = Caller(key_of(tenant.pk, "view", "administer"))
    with as_web_process():
        assert codes_of(limited.post("api-keys", {"name": "x", "scopes": ["edit"]})) == {"#/scopes": "scope_not_held"}
        assert codes_of(limited.post("api-keys", {"name": "x", "scopes": []})) == {"#/scopes": "empty"}
        assert codes_of(limited.post("api-keys", {"name": "x", "scopes": ["root"]})) == {"#/scopes/0": "invalid_choice"}


@pytest.mark.parametrize(
    ("path", "factory"), [("segments", SegmentFactory), ("providers", ProviderFactory), ("templates", TemplateFactory)]
)
def test_lists_ask_as_often_for_many_as_for_few(caller: Caller, tenant: Tenant, path: str, factory: Any) -> None:
    counts = []
    for _ in range(2):
        with as_owner():
            factory.create_batch(4, tenant=tenant)
            for provider in Provider.objects.filter(circuit=None):
                ProviderCircuit.objects.create(provider=provider, tenant=tenant, since=timezone.now(), state="open")
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10
