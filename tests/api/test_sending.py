"""POST /api/dispatches: accepted at once, repeated safely, refused with a code and a place."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatching.models import Dispatch, DueDispatch, IdempotencyKey
from dispatching.statuses import LaneClass
from tenants.models import Tenant
from tests.api.callers import Caller, codes_of, key_of
from tests.factories import ProviderFactory, TemplateFactory, TenantFactory
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

VARIABLES = {"name": "Ana", "creditvalue": "R$ 10", "credittax": 1.5}


@pytest.fixture
def tenant(db: None) -> Tenant:
    """Rolled back with the test: nothing here needs a second connection."""
    made: Tenant = TenantFactory.create(slug="acme")
    ProviderFactory.create(tenant=made)
    TemplateFactory.create(tenant=made, template_code="offer")
    return made


@pytest.fixture
def caller(tenant: Tenant) -> Iterator[Caller]:
    key = key_of(tenant.pk)
    with as_web_role():
        yield Caller(key)


def message(**fields: Any) -> dict[str, Any]:
    return {
        "provider_type": "WHATSAPP",
        "template_code": "offer",
        "variables": VARIABLES,
        "to": "+5511988887777",
        **fields,
    }


def count() -> int:
    with as_owner_role():
        made, due = Dispatch.objects.count(), DueDispatch.objects.count()
    assert made == due
    return made


def test_a_message_is_accepted_with_an_id_and_a_place_to_ask(caller: Caller, tenant: Tenant) -> None:
    answer = caller.post("dispatches", message(correlation_id="order-1", contact_tax_id="12345678909"))
    assert answer.status_code == 202, answer.json()
    body = answer.json()
    assert body["url"] == answer["Location"] == f"/api/dispatches/{body['id']}"
    assert (body["correlation_id"], body["duplicate"]) == ("order-1", False)
    shown = caller.get(f"dispatches/{body['id']}").json()
    assert (shown["status"], shown["campaign_id"], shown["destination"]) == ("PENDING", None, "+5511988887777")
    assert shown["message_content"].startswith("Olá Ana")
    with as_owner_role():
        assert Dispatch.objects.get().tenant_id == tenant.pk


def test_the_same_correlation_id_is_a_duplicate_and_another_message_under_it_a_conflict(caller: Caller) -> None:
    first = caller.post("dispatches", message(correlation_id="order-1")).json()
    again = caller.post("dispatches", message(correlation_id="order-1"))
    assert (again.status_code, again.json()["id"], again.json()["duplicate"]) == (200, first["id"], True)
    other = caller.post("dispatches", message(correlation_id="order-1", to="+5511911111111"))
    assert (other.status_code, other.json()["code"]) == (409, "duplicate_correlation_id")
    assert count() == 1


def test_a_gate_that_refuses_says_its_code_and_place(caller: Caller) -> None:
    answer = caller.post("dispatches", message(to="nobody"))
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    assert codes_of(answer) == {"#/to": "INVALID_ADDRESS"}
    assert count() == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"provider_type": None}, "#/provider_type"),
        ({"provider_id": str(uuid.uuid4())}, "#/provider_id"),
        ({"body": "x"}, "#/template_code"),
        ({"template_code": None}, "#/template_code"),
        ({"subject": "x"}, "#/subject"),
        ({"template_code": "x" * 101}, "#/template_code"),
        ({"variables": {"name": True}}, "#/variables/name"),
        ({"variables": []}, "#/variables"),
        ({"contact_attributes": {"n": "x" * 65_536}}, "#/contact_attributes"),
        ({"field_mappings": {"name": 5}}, "#/field_mappings"),
        ({"field_mappings": {"name": [1]}}, "#/field_mappings"),
        ({"scheduled_for": "tomorrow"}, "#/scheduled_for"),
        ({"to": 5511}, "#/to"),
        ({"too": "x"}, "#/too"),
    ],
)
def test_what_is_malformed_is_told_beside_its_field(caller: Caller, fields: dict[str, Any], expected: str) -> None:
    answer = caller.post("dispatches", message(**fields))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.json()
    assert expected in codes_of(answer)
    assert count() == 0


def test_sending_takes_the_scope_to_operate(caller: Caller, tenant: Tenant) -> None:
    with as_owner_role():
        weak = key_of(tenant.pk, "view", "edit", name="weak")
    answer = Caller(weak).post("dispatches", message())
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert count() == 0


def test_a_request_that_is_sent_again_gets_the_first_answer(caller: Caller) -> None:
    first = caller.post("dispatches", message(), **{"Idempotency-Key": "k-1"})
    again = caller.post("dispatches", message(), **{"Idempotency-Key": "k-1"})
    assert (first.status_code, first.get("Idempotency-Replayed")) == (202, None)
    assert (again.status_code, again["Idempotency-Replayed"], again.json()) == (202, "true", first.json())
    assert again["Location"] == first["Location"]
    other = caller.post("dispatches", message(to="+5511911111111"), **{"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert count() == 1


def test_a_refused_request_leaves_its_key_free(caller: Caller) -> None:
    assert caller.post("dispatches", message(to="x"), **{"Idempotency-Key": "k-1"}).status_code == 422
    assert caller.post("dispatches", message(), **{"Idempotency-Key": "k-1"}).status_code == 202


def test_a_key_that_is_no_key_is_refused(caller: Caller) -> None:
    answer = caller.post("dispatches", message(), **{"Idempotency-Key": "x" * 256})
    assert (answer.status_code, codes_of(answer)) == (400, {"Idempotency-Key": "invalid"})
    assert count() == 0


def test_a_batch_tells_of_each_message_by_itself(caller: Caller) -> None:
    messages = [
        message(correlation_id="a"),
        message(correlation_id="a"),
        message(correlation_id="a", to="+5511911111111"),
        message(to="nobody"),
        message(variables={"name": []}, wrong=1),
        "no message",
        message(),
    ]
    answer = caller.post("dispatches/batch", {"messages": messages})
    assert answer.status_code == 207, answer.json()
    body = answer.json()
    assert (body["accepted"], body["duplicates"], body["refused"]) == (2, 1, 4)
    results = body["results"]
    assert [one["index"] for one in results] == list(range(7))
    told = [one["result"] for one in results]
    assert told == ["accepted", "duplicate", "refused", "refused", "refused", "refused", "accepted"]
    assert results[0]["id"] == results[1]["id"]
    errors = [{(error["pointer"], error["code"]) for error in one["errors"]} for one in results]
    assert errors[2] == {("#/messages/2/correlation_id", "DUPLICATE_OTHER_PAYLOAD")}
    assert errors[3] == {("#/messages/3/to", "INVALID_ADDRESS")}
    assert {pointer for pointer, _code in errors[4]} == {"#/messages/4/variables/name", "#/messages/4/wrong"}
    assert {pointer for pointer, _code in errors[5]} == {"#/messages/5"}
    assert count() == 2
    with as_owner_role():
        assert set(DueDispatch.objects.values_list("lane_class", flat=True)) == {LaneClass.BULK}


def test_a_batch_is_carried_out_once_per_key_and_one_without_effect_leaves_it_free(caller: Caller) -> None:
    key = {"Idempotency-Key": "b-1"}
    assert caller.post("dispatches/batch", {"messages": [message(to="x")]}, **key).json()["refused"] == 1
    first = caller.post("dispatches/batch", {"messages": [message(), message()]}, **key)
    again = caller.post("dispatches/batch", {"messages": [message(), message()]}, **key)
    assert (first.json(), again["Idempotency-Replayed"]) == (again.json(), "true")
    assert count() == 2
    with as_owner_role():
        assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": {}}, {"messages": [{}] * 1001}])
def test_a_batch_without_a_list_of_one_to_a_thousand_is_refused(caller: Caller, body: Any) -> None:
    answer = caller.post("dispatches/batch", body)
    assert (answer.status_code, list(codes_of(answer))) == (422, ["#/messages"])


def test_a_batch_of_a_thousand_takes_as_many_statements_as_one_of_one(caller: Caller) -> None:
    counts = []
    for size in (1, 1000):
        messages = [message(correlation_id=f"{size}-{number}") for number in range(size)]
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as captured:
            answer = caller.post("dispatches/batch", {"messages": messages}, **{"Idempotency-Key": f"k-{size}"})
        print(f"{size} messages: {time.perf_counter() - began:.3f} s")  # noqa: T201 - shown with -s
        assert answer.json()["accepted"] == size
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert count() == 1001


def test_two_tenants_neither_see_nor_disturb_each_other(caller: Caller) -> None:
    mine = caller.post("dispatches", message(correlation_id="order-1"), **{"Idempotency-Key": "k"}).json()
    with as_owner_role():
        other: Tenant = TenantFactory.create()
        ProviderFactory.create(tenant=other)
        TemplateFactory.create(tenant=other, template_code="offer")
        their_key = key_of(other.pk)
    theirs = Caller(their_key)
    assert theirs.get(f"dispatches/{mine['id']}").status_code == 404
    assert theirs.post(f"dispatches/{mine['id']}/cancel").status_code == 404
    assert theirs.get("dispatches?correlation_id=order-1").json()["results"] == []
    answer = theirs.post(
        "dispatches", message(correlation_id="order-1", to="+5511911111111"), **{"Idempotency-Key": "k"}
    )
    assert answer.status_code == 202
    assert [row["id"] for row in theirs.get("dispatches").json()["results"]] == [answer.json()["id"]]
    assert [row["id"] for row in caller.get("dispatches").json()["results"]] == [mine["id"]]
