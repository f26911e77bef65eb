"""Outcome and fact are one statement; nothing is written twice, and states only move forward."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import psycopg
import pytest

from campaigns.models import Campaign
from dispatching.claiming import claim_due
from dispatching.models import Attempt, Dispatch, DueDispatch, SendBatch
from dispatching.parcels import Batch, LaneKey
from dispatching.planning import Planner, plan_batch
from dispatching.recording import record_moves
from dispatching.results import Move, Sent, move_of
from dispatching.snapshot import SnapshotHolder
from dispatching.statuses import LaneClass
from outbox.models import OutboxEvent
from providers.outcomes import Kind, Outcome
from tests.dispatching.conftest import MakeTrigger
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory

HOLDER_TIME = dt.timedelta(seconds=1)


@pytest.fixture
def claimed(connection: psycopg.Connection, make_trigger: MakeTrigger) -> Batch:
    """One dispatch, claimed and released."""
    campaign: Campaign = CampaignFactory.create()
    CampaignProviderTemplateFactory.create(campaign_provider__campaign=campaign)
    return claim(connection, plan_due(connection, make_trigger, campaign))


def plan_due(connection: psycopg.Connection, make_trigger: MakeTrigger, campaign: Campaign) -> LaneKey:
    now = dt.datetime.now(dt.UTC)
    with connection.transaction(), connection.cursor() as cursor:
        planner = Planner(worker_id=7, snapshots=SnapshotHolder())
        plan_batch(cursor, planner, [make_trigger(campaign.name, tenant_id=campaign.tenant_id)], now)
    return LaneKey(str(DueDispatch.objects.get().provider_id), LaneClass.TRIGGER)


def claim(connection: psycopg.Connection, lane: LaneKey) -> Batch:
    with connection.transaction(), connection.cursor() as cursor:
        claimed = claim_due(
            cursor,
            lane,
            limit=10,
            worker_id=7,
            snapshots=SnapshotHolder(),
            now=dt.datetime.now(dt.UTC),
            lease_s=10,
        )
    return claimed.batches[0]


def moved(batch: Batch, outcome: Outcome, back_off_s: float = 1.0) -> Move:
    now = dt.datetime.now(dt.UTC)
    assert batch.settings is not None
    left = None if outcome.kind is Kind.NOT_SENT else now
    return move_of(Sent(batch.parcels[0], batch, outcome, left, now), batch.settings, now, back_off_s)


def record(connection: psycopg.Connection, move: Move) -> set[str]:
    with connection.transaction(), connection.cursor() as cursor:
        return record_moves(cursor, [move], dt.datetime.now(dt.UTC))


def facts() -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in OutboxEvent.objects.order_by("id")]


def test_an_accepted_message_is_sent_with_exactly_the_seeds_fact(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    response = {"messageId": "abc", "status": "sent"}
    record(connection, moved(claimed, Outcome(Kind.ACCEPTED, message_id="abc", response=response)))
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.provider_message_id, dispatch.attempts) == ("SENT", "abc", 1)
    (fact,) = facts()
    assert list(fact) == [
        "journey_name",
        "correlation_id",
        "trace_id",
        "channel",
        "status",
        "contact_tax_id",
        "triggered_at",
        "dispatched_at",
        "processing_time_ms",
        "provider_response",
        "error_message",
    ]
    assert fact["provider_response"] == response
    assert fact["triggered_at"].endswith("Z")
    assert len(fact["triggered_at"]) == len("2024-10-20T14:30:00.000Z")
    assert fact["processing_time_ms"] >= 0
    headers = OutboxEvent.objects.get().headers
    assert headers["fact_id"] == f"{dispatch.id}:{dispatch.version}"
    assert headers["tenant"] == dispatch.tenant.slug
    assert not Attempt.objects.exists(), "a lone first try is told by the dispatch itself"


def test_a_repeated_write_repeats_nothing(connection: psycopg.Connection, claimed: Batch) -> None:
    move = moved(claimed, Outcome(Kind.ACCEPTED, message_id="abc"))
    assert record(connection, move) == {claimed.parcels[0].id}
    assert record(connection, move) == set()
    assert len(facts()) == 1


def test_nothing_sent_waits_without_counting_and_publishes_nothing(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    record(connection, moved(claimed, Outcome(Kind.NOT_SENT, reason="CONNECT"), back_off_s=4))
    dispatch, due = Dispatch.objects.get(), DueDispatch.objects.get()
    assert (dispatch.status, dispatch.attempts, dispatch.dispatched_at) == ("PENDING", 0, None)
    assert due.due_at > dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3)
    assert facts() == []
    assert Attempt.objects.get().outcome == "NOT_SENT"


def test_a_deferred_message_is_tried_as_often_as_allowed_then_is_a_dead_letter(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    batch = claimed
    for attempt in (1, 2, 3):
        record(connection, moved(batch, Outcome(Kind.DEFERRED, reason="SERVER_ERROR", error="500")))
        if attempt < 3:
            DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
            batch = claim(connection, batch.lane)
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.reason, dispatch.attempts) == ("FAILED", "SERVER_ERROR", 3)
    assert [fact["status"] for fact in facts()] == ["FAILED"]
    assert list(Attempt.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]
    assert not DueDispatch.objects.exists()


def test_unknown_yields_to_a_late_definite_answer_and_to_nothing_else(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    accepted = moved(claimed, Outcome(Kind.ACCEPTED, message_id="abc"))
    record(connection, moved(claimed, Outcome(Kind.UNKNOWN, reason="TIMEOUT")))
    assert record(connection, moved(claimed, Outcome(Kind.UNKNOWN, reason="RESET"))) == set()
    assert record(connection, accepted)
    assert record(connection, moved(claimed, Outcome(Kind.REJECTED, reason="NO"))) == set(), "SENT never goes back"
    assert [fact["status"] for fact in facts()] == ["UNKNOWN", "SENT"]


def test_a_fact_without_an_answer_is_unknown_unless_the_vendor_tells_repeats_apart(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    unknown = moved(claimed, Outcome(Kind.UNKNOWN, reason="TIMEOUT"))
    assert (unknown.status, unknown.due_at) == ("UNKNOWN", None)


def test_the_reapers_view_of_a_released_batch_finds_only_what_has_no_outcome(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    stored = SendBatch.objects.get()
    assert stored.released_at is not None
    assert stored.versions == [1]
    record(connection, moved(claimed, Outcome(Kind.NOT_SENT, reason="CONNECT")))
    assert Dispatch.objects.get().version == 2, "the batch's version no longer matches: this row is not unknown"


def test_two_moves_of_one_dispatch_in_a_micro_batch_are_the_first_alone(
    connection: psycopg.Connection, claimed: Batch
) -> None:
    deferred = moved(claimed, Outcome(Kind.DEFERRED, reason="UNAVAILABLE"))
    accepted = moved(claimed, Outcome(Kind.ACCEPTED, message_id="abc"))
    with connection.transaction(), connection.cursor() as cursor:
        assert record_moves(cursor, [deferred, deferred, accepted], dt.datetime.now(dt.UTC))
    assert (Dispatch.objects.get().status, DueDispatch.objects.count(), Attempt.objects.count()) == ("PENDING", 1, 1)
    assert facts() == []
