"""Campaigns over the API: the frontend's payload of seed 000 as it is, whole or not at all."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, CampaignProvider
from tenants.models import Tenant
from tests.api.callers import Caller, codes_of
from tests.api.rooms import seed_parts, seed_payload
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory, DispatchFactory, SegmentFactory
from tests.web import as_owner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payload(caller: Caller, tenant: Tenant) -> dict[str, Any]:
    with as_owner():
        return seed_payload(*seed_parts(tenant))


def place_of(response: Any) -> str:
    assert response.status_code == 201, response.content
    return str(response["Location"]).removeprefix("/api/")


def test_the_seeds_payload_is_taken_unchanged_and_echoed(caller: Caller, payload: dict[str, Any]) -> None:
    made = caller.post("campaigns", payload)
    assert made.status_code == 201, made.content
    body = made.json()
    row = payload.pop("providers")[0]
    assert {name: body[name] for name in payload} == payload
    assert body["providers"] == [{**row, "label": "", "order": 1, "weight": 1}]
    assert (body["is_active"], body["strategy"], body["timezone"]) == (True, "all", "America/Manaus")
    assert (body["start_date"], body["end_date"], body["created_by"]) == (None, None, "API: crm")
    assert caller.get(place_of(made)).json() == body


def test_nothing_is_written_where_anything_is_wrong(caller: Caller, payload: dict[str, Any]) -> None:
    payload["providers"][0] |= {"type": "EMAIL", "template_id": str(uuid.uuid4())}
    payload["segments"] = [str(uuid.uuid4())]
    answer = caller.post("campaigns", payload)
    assert answer.status_code == 422
    assert codes_of(answer) == {
        "#/providers/0/type": "type_mismatch",
        "#/providers/0/template_id": "unknown",
        "#/segments": "unknown",
    }
    with as_owner():
        assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"trigger_time": None}, {"#/trigger_time": "required"}),
        ({"week_days": []}, {"#/week_days": "required"}),
        ({"week_days": [0]}, {"#/week_days": "week_day_zero"}),
        ({"week_days": "1,9"}, {"#/week_days": "week_day_unknown"}),
        ({"week_days": 5}, {"#/week_days": "invalid_type"}),
        ({"week_days": [[1]]}, {"#/week_days": "invalid_type"}),
        ({"control_group_rate": 101}, {"#/control_group_rate": "max_value"}),
        ({"control_group_rate": "10"}, {"#/control_group_rate": "invalid"}),
        ({"control_group_rate": 0.001}, {"#/control_group_rate": "max_decimal_places"}),
        ({"dispatch_mode": "LATER"}, {"#/dispatch_mode": "invalid_choice"}),
        ({"timezone": "Mars/Olympus"}, {"#/timezone": "unknown_timezone"}),
        ({"start_date": "2026-02-02", "end_date": "2026-02-01"}, {"#/end_date": "before_start"}),
        ({"start_date": "yesterday"}, {"#/start_date": "invalid"}),
        ({"journey_nam": "x"}, {"#/journey_nam": "unknown_field"}),
        ({"owner": "nobody"}, {"#/owner": "does_not_exist"}),
        ({"providers": {}}, {"#/providers": "invalid_type"}),
        ({"providers": [5]}, {"#/providers/0": "invalid"}),
        ({"providers": [{}]}, {"#/providers/0/provider_id": "required", "#/providers/0/template_id": "required"}),
    ],
)
def test_each_mistake_is_told_at_its_place(
    caller: Caller, payload: dict[str, Any], change: dict[str, Any], told: dict[str, str]
) -> None:
    answer = caller.post("campaigns", {**payload, **change})
    assert answer.status_code == 422
    assert codes_of(answer) == told


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"name": "first_name"}, "unmapped_placeholder"),
        ({"name": "first_name", "creditvalue": "x", "credittax": "credit_tax"}, "unknown_attribute"),
        ({"name": "first_name", "creditvalue": 5, "credittax": "credit_tax"}, "invalid_mapping"),
        ("first_name", "invalid_mapping"),
    ],
)
def test_a_broken_mapping_is_told_with_its_kind(
    caller: Caller, payload: dict[str, Any], mapping: Any, code: str
) -> None:
    payload["providers"][0]["field_mappings"] = mapping
    assert codes_of(caller.post("campaigns", payload)) == {"#/providers/0/field_mappings": code}


def test_a_name_is_taken_once(caller: Caller, payload: dict[str, Any]) -> None:
    caller.post("campaigns", payload)
    assert codes_of(caller.post("campaigns", payload)) == {"#/journey_name": "unique"}


def test_what_was_read_can_be_put_back(caller: Caller, payload: dict[str, Any]) -> None:
    made = caller.post("campaigns", payload)
    again = caller.put(place_of(made), made.json(), made["ETag"])
    assert again.status_code == 200, again.content
    assert {**again.json(), "updated_at": ""} == {**made.json(), "updated_at": ""}


def test_a_patch_leaves_the_rest_and_a_put_does_not(caller: Caller, tenant: Tenant, payload: dict[str, Any]) -> None:
    with as_owner():
        segment = SegmentFactory.create(tenant=tenant)
    made = caller.post("campaigns", {**payload, "segments": [str(segment.pk)], "description": "text"})
    place = place_of(made)
    patched = caller.patch(place, {"dispatch_mode": "SYNC"}, made["ETag"])
    assert patched.status_code == 200, patched.content
    body = patched.json()
    assert (body["description"], body["segments"], len(body["providers"])) == ("text", [str(segment.pk)], 1)
    put = caller.put(place, {"journey_name": "other"}, patched["ETag"]).json()
    assert (put["description"], put["segments"], put["providers"]) == ("", [], [])
    assert (put["timezone"], put["control_group_rate"], put["week_days"]) == ("America/Manaus", 0.0, [])


def test_a_change_of_its_providers_is_another_version(caller: Caller, payload: dict[str, Any]) -> None:
    made = caller.post("campaigns", payload)
    with as_owner():
        CampaignProvider.objects.update(label="VIP")
    assert caller.patch(place_of(made), {"description": "x"}, made["ETag"]).status_code == 412


def test_a_campaign_is_copied_and_switched(caller: Caller, payload: dict[str, Any]) -> None:
    place = place_of(caller.post("campaigns", payload))
    copy = caller.post(f"{place}/duplicate")
    copied = place_of(copy)
    assert (copy.json()["is_active"], copy.json()["providers"]) == (False, caller.get(place).json()["providers"])
    assert caller.post(f"{copied}/activate").json()["is_active"] is True
    assert caller.post(f"{copied}/deactivate").json()["is_active"] is False
    assert caller.post(f"{copied}/activate", {"x": 1}).status_code == 422
    assert caller.post(f"campaigns/{uuid.uuid4()}/duplicate").status_code == 404
    assert caller.post(f"campaigns/{uuid.uuid4()}/activate").status_code == 404


def test_one_that_sends_nothing_is_not_switched_on(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        campaign = CampaignFactory.create(tenant=tenant, is_active=False)
    assert caller.post(f"campaigns/{campaign.pk}/activate").status_code == 422


def test_one_that_has_sent_something_stays(caller: Caller, tenant: Tenant) -> None:
    with as_owner():
        campaign = DispatchFactory.create(link__campaign_provider__campaign__tenant=tenant).campaign
        unused = CampaignFactory.create(tenant=tenant)
    kept = caller.delete(f"campaigns/{campaign.pk}", "*")
    assert (kept.status_code, kept.json()["code"]) == (409, "in_use")
    assert caller.delete(f"campaigns/{unused.pk}", "*").status_code == 204


def test_what_campaigns_use_is_not_deleted_and_they_are_named(caller: Caller, payload: dict[str, Any]) -> None:
    caller.post("campaigns", payload)
    kept = caller.delete(f"providers/{payload['providers'][0]['provider_id']}", "*")
    assert (kept.status_code, kept.json()["code"]) == (409, "in_use")
    assert "black_friday_credit_2024" in kept.json()["detail"]


def test_lists_narrow_by_what_people_look_for(caller: Caller, tenant: Tenant, payload: dict[str, Any]) -> None:
    place = place_of(caller.post("campaigns", payload))
    with as_owner():
        CampaignFactory.create(tenant=tenant, name="other", is_active=False)
    row = payload["providers"][0]
    for query in (
        "search=FRIDAY",
        "dispatch_mode=ASYNC",
        "state=active",
        f"provider={row['provider_id']}",
        f"template={row['template_id']}",
    ):
        found = [one["id"] for one in caller.get(f"campaigns?{query}").json()["results"]]
        assert found == [place.removeprefix("campaigns/")], query
    assert caller.get("campaigns?state=inactive").json()["results"][0]["journey_name"] == "other"


def test_a_list_asks_as_often_for_many_as_for_few(caller: Caller, tenant: Tenant) -> None:
    counts = []
    for _ in range(2):
        with as_owner():
            for _number in range(4):
                campaign = CampaignFactory.create(tenant=tenant)
                CampaignProviderTemplateFactory.create(campaign_provider__campaign=campaign)
        with CaptureQueriesContext(connection) as queries:
            assert caller.get("campaigns").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_a_mapping_is_judged_and_previewed_before_it_is_saved(caller: Caller, payload: dict[str, Any]) -> None:
    row = payload["providers"][0]
    asked = {"template_id": row["template_id"], "field_mappings": {**row["field_mappings"], "name": "frist_name"}}
    verdict = caller.post("mappings/validate", asked).json()
    assert verdict["valid"] is False
    assert [error["code"] for error in verdict["errors"]] == ["unknown_attribute"]
    assert verdict["placeholders"] == ["name", "creditvalue", "credittax"]
    asked = {"template_id": row["template_id"], "field_mappings": row["field_mappings"]}
    assert caller.post("mappings/validate", asked).json() == {**verdict, "valid": True, "errors": []}
    shown = caller.post("mappings/preview", asked).json()
    assert shown["complete"] is True
    assert shown["body"]["text"].startswith("Olá João, chegou a Black Friday!")
    shown = caller.post("mappings/preview", {**asked, "contact_attributes": {"first_name": "Ana"}}).json()
    assert (shown["complete"], shown["missing"]) == (False, ["max_offer_value_formatted", "credit_tax"])
    assert "Olá Ana" in shown["body"]["text"]
    assert codes_of(caller.post("mappings/preview", {**asked, "template_id": str(uuid.uuid4())})) == {
        "#/template_id": "unknown"
    }


def test_weights_and_a_pace_of_its_own_are_kept_and_judged(caller: Caller, payload: dict[str, Any]) -> None:
    row = payload["providers"][0]
    payload |= {"strategy": "weighted", "max_messages_per_minute": 120, "providers": [{**row, "weight": 3}]}
    made = caller.post("campaigns", payload)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["strategy"], body["max_messages_per_minute"]) == ("weighted", 120)
    assert body["providers"][0]["weight"] == 3
    wrong = {**payload, "journey_name": "other", "max_messages_per_minute": 0, "providers": [{**row, "weight": 0}]}
    refused = caller.post("campaigns", wrong)
    assert refused.status_code == 422
    assert "weight" in refused.content.decode()
    assert "max_messages_per_minute" in refused.content.decode()
