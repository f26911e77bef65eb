"""Dead letters for programs: found, read, asked to be replayed, set aside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ingestion import reasons
from ingestion.models import RejectedTrigger
from tenants.models import Tenant
from tests.api.callers import Caller, key_of
from tests.factories import RejectedTriggerFactory, TenantFactory
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Tenant:
    """Rolled back with the test: nothing here needs a second connection."""
    made: Tenant = TenantFactory.create(slug="acme")
    return made


@pytest.fixture
def caller(tenant: Tenant) -> Iterator[Caller]:
    key = key_of(tenant.pk)
    with as_web_role():
        yield Caller(key)


def make(tenant: Tenant | None, **fields: Any) -> RejectedTrigger:
    with as_owner_role():
        made: RejectedTrigger = RejectedTriggerFactory.create(tenant=tenant, **fields)
    return made


def found(caller: Caller, query: str = "") -> set[str]:
    answer = caller.get(f"rejected-triggers{query}")
    assert answer.status_code == 200, answer.json()
    return {row["id"] for row in answer.json()["results"]}


def ids(*rows: RejectedTrigger) -> set[str]:
    return {str(row.pk) for row in rows}


def test_they_are_found_by_state_code_journey_and_correlation_id(caller: Caller, tenant: Tenant) -> None:
    one = make(tenant, correlation_id="order-1")
    other = make(tenant, state="discarded", code="STALE", journey_name="welcome")
    with as_owner_role():
        RejectedTriggerFactory.create()
    assert found(caller) == ids(one, other)
    assert found(caller, "?state=discarded") == ids(other)
    assert found(caller, "?code=STALE&journey_name=welcome") == ids(other)
    assert found(caller, "?correlation_id=order-1") == ids(one)
    assert caller.get("rejected-triggers?state=gone").status_code == 400


def test_one_is_told_with_its_event_and_what_to_do(caller: Caller, tenant: Tenant) -> None:
    row = make(tenant, raw=b'{"a": \xff}', headers=[["tenant", "acme"]])
    shown = caller.get(f"rejected-triggers/{row.pk}").json()
    assert shown["raw"] == '{"a": \\xff}'
    assert shown["headers"] == [["tenant", "acme"]]
    assert shown["explanation"]
    assert "raw" not in caller.get("rejected-triggers").json()["results"][0]


def test_those_of_nobody_are_for_operators(caller: Caller, tenant: Tenant) -> None:
    row = make(None)
    with as_owner_role():
        weak = Caller(key_of(tenant.pk, "view", name="weak"))
    assert found(caller) == ids(row)
    assert found(weak) == set()
    assert weak.get(f"rejected-triggers/{row.pk}").status_code == 404
    assert caller.post(f"rejected-triggers/{row.pk}/replay").status_code == 200
    assert weak.post(f"rejected-triggers/{row.pk}/discard").json()["code"] == "missing_scope"


def test_a_replay_is_asked_for_once_and_by_name(caller: Caller, tenant: Tenant) -> None:
    row = make(tenant)
    answer = caller.post(f"rejected-triggers/{row.pk}/replay", {})
    assert (answer.status_code, answer.json()["state"]) == (200, "replay_requested")
    assert answer.json()["state_changed_by"] == "API: crm"
    again = caller.post(f"rejected-triggers/{row.pk}/replay")
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "wrong_state", "replay_requested")


def test_what_may_have_been_sent_takes_a_word_more(caller: Caller, tenant: Tenant) -> None:
    row = make(tenant, code=reasons.SKIPPED_IN_RECOVERY)
    assert caller.post(f"rejected-triggers/{row.pk}/replay").json()["code"] == "wrong_state"
    answer = caller.post(f"rejected-triggers/{row.pk}/replay", {"even_if_sent": True})
    assert answer.json()["state"] == "replay_requested"


def test_what_was_not_kept_whole_cannot_be_replayed(caller: Caller, tenant: Tenant) -> None:
    row = make(tenant, raw=b"{", raw_size=2)
    assert caller.post(f"rejected-triggers/{row.pk}/replay").status_code == 409


def test_what_is_set_aside_stays_there(caller: Caller, tenant: Tenant) -> None:
    row = make(tenant)
    assert caller.post(f"rejected-triggers/{row.pk}/discard").json()["state"] == "discarded"
    assert caller.post(f"rejected-triggers/{row.pk}/discard").status_code == 409
    assert caller.post(f"rejected-triggers/{row.pk}/replay").status_code == 409
