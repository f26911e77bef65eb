"""An operator settles what a vendor never said, with the web role's rights: one fact per change, and no more."""

from __future__ import annotations

import datetime as dt
import json
import re

import pytest
from django.db import connection
from django.utils import timezone

from dispatching import resolving
from dispatching.facts import COLUMNS, insert_counts, insert_facts
from dispatching.models import Attempt, Dispatch, UnsettledDispatch, Worker
from outbox.models import OutboxEvent
from tenants.scope import tenant_scope
from tests.prism.tenancies import Filled
from tests.web import as_web_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(two: tuple[Filled, Filled]) -> Filled:
    set_unknown(two[0])
    return two[0]


def set_unknown(filled: Filled, **fields: object) -> None:
    past = timezone.now() - dt.timedelta(minutes=5)
    values = {"status": "UNKNOWN", "reason": "TIMEOUT", "dispatched_at": past, "returned_at": past, "attempts": 2}
    Dispatch.objects.filter(pk=filled.failed).update(**{**values, **fields})


def settle(filled: Filled, verb: object = resolving.resolve_as_sent, *, operator: bool = True) -> int:
    with as_web_role(), tenant_scope(filled.tenant.pk, operator=operator):
        return len(verb([filled.failed]))  # type: ignore[operator]  # one of the two verbs


def state(filled: Filled) -> tuple[str, str, int]:
    found = Dispatch.objects.get(pk=filled.failed)
    return found.status, found.reason, found.version


def facts(filled: Filled) -> list[OutboxEvent]:
    return list(OutboxEvent.objects.filter(headers__dispatch_id=str(filled.failed)))


def test_as_sent_it_is_sent_with_one_fact_and_out_of_the_way(mine: Filled) -> None:
    assert settle(mine) == 1
    assert state(mine) == ("SENT", "RESOLVED_BY_OPERATOR", 2)
    (fact,) = facts(mine)
    assert fact.headers["fact_id"] == f"{mine.failed}:2"
    body = json.loads(fact.payload)
    assert (body["status"], body["error_message"]) == ("SENT", None)
    assert not UnsettledDispatch.objects.filter(pk=mine.failed).exists()


def test_as_failed_it_is_a_dead_letter_with_its_fact(mine: Filled) -> None:
    assert settle(mine, resolving.resolve_as_failed) == 1
    assert state(mine) == ("FAILED", "RESOLVED_BY_OPERATOR", 2)
    (fact,) = facts(mine)
    assert json.loads(fact.payload)["error_message"].startswith("RESOLVED_BY_OPERATOR: ")
    assert UnsettledDispatch.objects.get(pk=mine.failed).status == "FAILED"


def test_the_try_that_was_never_answered_is_kept(mine: Filled) -> None:
    settle(mine)
    kept = Attempt.objects.get(dispatch_id=mine.failed, number=2)
    assert (kept.outcome, kept.reason, kept.next_at) == ("UNKNOWN", "TIMEOUT", None)


def test_twice_or_by_two_people_is_one_change_and_one_fact(mine: Filled) -> None:
    assert settle(mine) == 1
    assert settle(mine) == 0
    assert settle(mine, resolving.resolve_as_failed) == 0
    assert len(facts(mine)) == 1
    assert state(mine)[0] == "SENT"


@pytest.mark.parametrize("status", ["FAILED", "SENT", "DELIVERED", "PENDING", "REFUSED", "CONTROL_GROUP"])
def test_only_what_is_unknown_can_be_settled(mine: Filled, status: str) -> None:
    set_unknown(mine, status=status)
    assert settle(mine) == 0
    assert facts(mine) == []


def test_what_may_still_be_on_the_wire_is_left_alone(mine: Filled) -> None:
    set_unknown(mine, returned_at=None, dispatched_at=timezone.now())
    assert settle(mine) == 0
    set_unknown(mine, reason="WORKER_LOST")
    Worker.objects.create(kind="sender", host="x", pid=3, state="dead")
    assert settle(mine) == 0


def test_neither_another_organisation_nor_who_does_not_operate_settles_anything(two: tuple[Filled, Filled]) -> None:
    mine, theirs = two
    set_unknown(mine)
    with as_web_role(), tenant_scope(theirs.tenant.pk, operator=True):
        assert resolving.resolve_as_sent([mine.failed]) == []
    assert settle(mine, operator=False) == 0
    assert state(mine)[0] == "UNKNOWN"


def test_its_fact_is_the_one_that_the_engine_writes() -> None:
    """The migration's text is frozen; when the fact changes, a new migration has to replace the function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'prism_resolve_dispatches'")
        (source,) = cursor.fetchone() or ("",)
    squeezed = re.sub(r"\s+", "", source)
    assert re.sub(r"\s+", "", insert_facts("moved")) in squeezed
    assert re.sub(r"\s+", "", insert_counts("moved")) in squeezed
    assert re.sub(r"\s+", "", ", ".join(f"d.{name.strip()}" for name in COLUMNS.split(","))) in squeezed
