"""Answers that come after a dispatch was called unknown: they resolve it, unless an operator decided meanwhile."""

from __future__ import annotations

import datetime as dt
import uuid

import psycopg
import pytest

from dispatching import operating
from dispatching.models import Attempt, Dispatch, DueDispatch
from dispatching.parcels import Batch, Parcel
from dispatching.reaping import reap
from outbox.models import OutboxEvent
from providers.outcomes import Outcome
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, DEFERRED, LATE, REJECTED, UNKNOWN, Hands, campaign_with, silence

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def late(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger) -> list[tuple[Batch, Parcel]]:
    """One message on the wire of a worker that was taken for dead an hour after it had been planned."""
    campaign, _ = campaign_with([{}, {}], strategy="fallback")
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    Dispatch.objects.update(created_at=dt.datetime.now(dt.UTC) - HOUR)
    silence(connection, hands.worker_id)
    reap(connection, dead_after_s=15)
    assert Dispatch.objects.get().status == "UNKNOWN"
    return hands.take()


def answer(hands: Hands, late: list[tuple[Batch, Parcel]], outcome: Outcome) -> None:
    hands.record([(batch, parcel, outcome) for batch, parcel in late])


def first() -> Dispatch:
    return Dispatch.objects.get(predecessor_id=None)


def replay() -> list[uuid.UUID]:
    found = first()
    with tenant_scope(found.tenant_id, operator=True):
        return operating.replay([found.pk])


def claim_now(hands: Hands) -> int:
    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC) - HOUR)
    return hands.claim()


@pytest.mark.parametrize(
    ("outcome", "status", "attempts"),
    [(ACCEPTED, "SENT", 1), (DEFERRED, "PENDING", 1), (LATE, "PENDING", 0), (UNKNOWN, "UNKNOWN", 1)],
)
def test_a_late_answer_resolves_an_unknown_and_its_try_counts_once(
    hands: Hands, late: list[tuple[Batch, Parcel]], outcome: Outcome, status: str, attempts: int
) -> None:
    answer(hands, late, outcome)
    assert (first().status, first().attempts) == (status, attempts)
    assert DueDispatch.objects.count() == (status == "PENDING")
    answer(hands, late, ACCEPTED)
    assert first().status == ("SENT" if status in ("SENT", "UNKNOWN") else status), "after another try: not its answer"


def test_a_late_failure_goes_on_to_the_next_provider(hands: Hands, late: list[tuple[Batch, Parcel]]) -> None:
    answer(hands, late, REJECTED)
    assert first().status == "FAILED"
    assert Dispatch.objects.get(predecessor_id=first().pk).status == "PENDING"
    assert replay() == [], "the next provider has it"


def test_what_was_replayed_takes_no_late_answer_of_the_try_before(
    hands: Hands, late: list[tuple[Batch, Parcel]]
) -> None:
    assert replay() == [first().pk]
    answer(hands, late, REJECTED)
    answer(hands, late, ACCEPTED)
    assert first().status == "PENDING"
    assert Dispatch.objects.count() == 1, "no successor while it waits for its second try"
    # The worker was declared dead; another one claims it.
    other = Hands("sender")
    assert claim_now(other) == 1
    second = other.take()
    answer(hands, late, ACCEPTED)
    other.record([(batch, parcel, UNKNOWN) for batch, parcel in second])
    assert first().status == "UNKNOWN"
    answer(hands, late, ACCEPTED)
    assert first().status == "UNKNOWN", "that answer is to a try that an operator gave up"
    other.record([(batch, parcel, ACCEPTED) for batch, parcel in second])
    assert (first().status, first().attempts) == ("SENT", 2)
    other.close()
    told = [event.headers["version"] for event in OutboxEvent.objects.order_by("id")]
    assert told == sorted(set(told))


def test_the_try_before_a_replay_stays_in_the_history(hands: Hands, late: list[tuple[Batch, Parcel]]) -> None:
    answer(hands, late, ACCEPTED)
    Dispatch.objects.update(status="FAILED", reason="NO")
    assert replay()
    other = Hands("sender")
    claim_now(other)
    other.answer(ACCEPTED)
    other.close()
    assert Attempt.objects.count() == 2
