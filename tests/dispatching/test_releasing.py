"""What changed between a plan and its release: rows end with their reason, slots come back, no thread dies."""

from __future__ import annotations

import datetime as dt
import threading
import time

import psycopg
import pytest

from campaigns.models import CampaignProvider
from dispatching.models import Dispatch, DueDispatch, SendBatch
from dispatching.partitions import partition_name, uuid_floor, week_of
from dispatching.reaping import reap
from dispatching.releasing import OwnershipLostError
from outbox.models import OutboxEvent
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import (
    ACCEPTED,
    DEFERRED,
    LATE,
    NOT_SENT,
    REJECTED,
    UNKNOWN,
    Hands,
    campaign_with,
    silence,
)

UNREADABLE = {"type": "bearer_token", "token_env_var": "NOT_ON_THE_LIST"}


def states() -> list[tuple[str, str]]:
    return sorted(set(Dispatch.objects.values_list("status", "reason")))


def break_settings(provider: Provider) -> None:
    provider.configuration["authentication"] = UNREADABLE
    provider.save()


def remove(provider: Provider) -> None:
    CampaignProvider.objects.filter(provider=provider).delete()
    provider.delete()


@pytest.mark.parametrize(
    ("vanish", "reason"), [(break_settings, "PROVIDER_MISCONFIGURED"), (remove, "PROVIDER_REMOVED")]
)
def test_a_provider_that_vanishes_a_moment_after_the_plan_ends_what_was_not_released(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, vanish: object, reason: str
) -> None:
    campaign, (provider,) = campaign_with([{"knobs": {"concurrency": 1}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(20)])
    assert callable(vanish)
    vanish(provider)
    assert hands.answer(ACCEPTED) == 4
    for _ in range(4):
        hands.turn()
    assert states() == [("REFUSED", reason), ("SENT", "")]
    assert hands.lanes.held() == 0
    assert not SendBatch.objects.exists()


def test_an_outage_that_outlasts_a_message_ends_it_instead_of_sending_it_late(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 1}}])
    plan = hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(6)])
    for batch in plan.ahead:
        batch.planned_at -= 2
        for parcel in batch.parcels:
            parcel.not_after = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.5)
    working, calls = hands.recorder._open, []

    def refuse_once() -> psycopg.Connection:
        calls.append(1)
        if len(calls) == 1:
            raise psycopg.OperationalError("the database is away")
        return working()

    monkeypatch.setattr(hands.recorder, "_open", refuse_once)
    monkeypatch.setattr("dispatching.recorder.RETRY_S", 0.8)
    hands.answer(ACCEPTED)
    assert states() == [("EXPIRED", "NOT_AFTER_PASSED"), ("SENT", "")]
    assert hands.lanes.held() == 0


def test_a_missing_partition_delays_the_next_provider_and_loses_nothing(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = dt.datetime.now(dt.UTC)
    campaign, _ = campaign_with([{}, {}], strategy="fallback")
    monkeypatch.setattr("dispatching.planning._database_time", lambda _cursor: now - dt.timedelta(weeks=1))
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    this_week = partition_name("dispatches", week_of(now))
    low, high = uuid_floor(week_of(now)), uuid_floor(week_of(now) + dt.timedelta(weeks=1))
    connection.execute(f"ALTER TABLE dispatches DETACH PARTITION {this_week}")
    recording = threading.Thread(target=hands.answer, args=(REJECTED,), daemon=True)
    recording.start()
    time.sleep(0.8)
    waited = recording.is_alive()
    connection.execute(f"ALTER TABLE dispatches ATTACH PARTITION {this_week} FOR VALUES FROM ('{low}') TO ('{high}')")
    recording.join(10)
    assert waited
    assert states() == [("FAILED", "NO"), ("PENDING", "")]
    assert hands.lanes.held() == 0


def test_a_missing_partition_stops_no_sender(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = dt.datetime.now(dt.UTC)
    campaign, (first, _) = campaign_with([{}, {}], strategy="fallback")
    monkeypatch.setattr("dispatching.planning._database_time", lambda _cursor: now - dt.timedelta(weeks=1))
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    hands.answer(LATE)
    Provider.objects.filter(pk=first.pk).update(is_active=False)
    this_week = partition_name("dispatches", week_of(now))
    low, high = uuid_floor(week_of(now)), uuid_floor(week_of(now) + dt.timedelta(weeks=1))
    connection.execute(f"ALTER TABLE dispatches DETACH PARTITION {this_week}")
    assert hands.claim() == 0
    assert DueDispatch.objects.count() == 1
    connection.execute(f"ALTER TABLE dispatches ATTACH PARTITION {this_week} FOR VALUES FROM ('{low}') TO ('{high}')")
    assert hands.claim() == 1
    assert states() == [("PENDING", ""), ("REFUSED", "PROVIDER_INACTIVE")]


def deactivate(provider: Provider) -> None:
    Provider.objects.filter(pk=provider.pk).update(is_active=False)


@pytest.mark.parametrize(("change", "reason"), [(deactivate, "PROVIDER_INACTIVE"), (remove, "PROVIDER_REMOVED")])
def test_a_provider_that_goes_leaves_rows_of_every_state_with_an_end(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, change: object, reason: str
) -> None:
    """On the wire (answered, failed for now, unanswered), planned ahead, and in the queue."""
    campaign, (provider,) = campaign_with([{"knobs": {"concurrency": 1}}])
    plan = hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(40)])
    assert (len(plan.released), len(plan.ahead), plan.due) == (4, 16, 20)
    assert callable(change)
    change(provider)
    for batch in plan.ahead:
        batch.planned_at -= 2
    outcomes = iter([ACCEPTED, DEFERRED, UNKNOWN, NOT_SENT])
    hands.answer(lambda _: next(outcomes))
    until_nothing_waits(hands)
    counts = {status: Dispatch.objects.filter(status=status).count() for status in ("SENT", "UNKNOWN", "REFUSED")}
    assert counts == {"SENT": 1, "UNKNOWN": 1, "REFUSED": 38}
    assert set(Dispatch.objects.filter(status="REFUSED").values_list("reason", flat=True)) == {reason}
    assert OutboxEvent.objects.count() == 40
    assert hands.lanes.held() == 0


def until_nothing_waits(hands: Hands) -> None:
    """The lane backs off for a second after NOT_SENT."""
    until = time.monotonic() + 10
    while SendBatch.objects.exists() or DueDispatch.objects.exists():
        assert time.monotonic() < until
        DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
        hands.turn()
        if not hands.claim():
            time.sleep(0.1)


def test_text_that_no_database_takes_costs_the_text_and_not_the_outcome(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(4)])
    bad = iter(
        [
            Outcome(Kind.ACCEPTED, message_id="a", response={"text": "a\x00b"}),
            Outcome(Kind.ACCEPTED, message_id="b\x00", response={}),
            Outcome(Kind.ACCEPTED, message_id="c\ud800", response=None),
            Outcome(Kind.REJECTED, reason="NO", error="\x00\udfff", response={"\udfff": 1}),
        ]
    )
    hands.answer(lambda _: next(bad))
    assert sorted(Dispatch.objects.values_list("status", "provider_message_id", "error_message")) == [
        ("FAILED", "", "\\udfff"),
        ("SENT", "a", None),
        ("SENT", "b", None),
        ("SENT", "c\\ud800", None),
    ]
    assert hands.lanes.held() == 0


def test_a_process_whose_batches_were_taken_records_what_it_knows_releases_nothing_more_and_ends(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 1}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(12)])
    silence(connection, hands.worker_id)
    reap(connection, dead_after_s=15)
    assert Dispatch.objects.filter(status="UNKNOWN").count() == 4
    hands.answer(ACCEPTED)
    assert Dispatch.objects.filter(status="SENT").count() == 4
    assert Dispatch.objects.filter(status="PENDING").count() == DueDispatch.objects.count() == 8
    assert hands.take() == []
    assert isinstance(hands.engine.failed, OwnershipLostError)
    assert hands.lanes.in_flight() == 0


def test_a_process_thought_dead_says_nothing_of_what_another_one_is_sending(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 2}}])
    plan = hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(12)])
    silence(connection, hands.worker_id)
    reap(connection, dead_after_s=15)
    other = Hands("sender")
    assert other.claim() == 4
    campaign.is_active = False
    campaign.save()
    for batch in plan.ahead:
        batch.planned_at -= 2
    hands.answer(ACCEPTED)
    assert other.answer(ACCEPTED) == 4
    assert Dispatch.objects.filter(status="SENT").count() == 12
    other.close()
