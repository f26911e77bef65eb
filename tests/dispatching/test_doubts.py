"""A COMMIT whose answer was lost, in each place that commits: what happened goes on, what did not is done again."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from dispatching.claiming import claim_due
from dispatching.commits import transaction_id
from dispatching.database import connect
from dispatching.models import Dispatch, DueDispatch, SendBatch
from dispatching.parcels import LaneKey
from dispatching.statuses import LaneClass
from outbox.models import OutboxEvent
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, Hands, campaign_with, plan_due
from tests.ingestion.cutter import CommitCutter

CLAIM, RECORD, HAND_BACK = b"DELETE FROM due_dispatches", b"INSERT INTO outbox_events", b"released_at IS NULL RETURNING"
RELEASE = b"SET released_at = COALESCE"
Cut = Callable[[str, bytes], CommitCutter]


@pytest.fixture(params=[True, False], ids=["committed", "rolled back"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, hands: Hands) -> Iterator[Cut]:
    """Cuts the first COMMIT of that module's transaction with that statement in it."""
    started: list[CommitCutter] = []

    def start(module: str, marker: bytes) -> CommitCutter:
        cutter = CommitCutter(arrives=request.param, marker=marker)
        cutter.__enter__()
        started.append(cutter)
        monkeypatch.setattr(f"dispatching.{module}.connect", lambda _name: cutter.connect())
        monkeypatch.setattr(f"dispatching.{module}.RETRY_S", 0.05)
        return cutter

    yield start
    hands.close()
    for cutter in started:
        cutter.__exit__()


def test_a_claim_goes_on_the_wire_once(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, cut: Cut
) -> None:
    campaign, _ = campaign_with()
    plan_due(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(5)])
    cutter = cut("draining", CLAIM)
    assert hands.claim() == 0
    assert cutter.cut == 1
    hands.claim()
    assert hands.lanes.in_flight() == 5
    assert hands.answer(ACCEPTED) == 5
    assert Dispatch.objects.filter(status="SENT").count() == OutboxEvent.objects.count() == 5
    assert hands.lanes.in_flight() == 0
    assert not SendBatch.objects.exists()
    assert not DueDispatch.objects.exists()


def test_a_sender_that_is_told_to_stop_looks_up_its_last_claim_first(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, cut: Cut
) -> None:
    campaign, _ = campaign_with()
    plan_due(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(5)])
    cut("draining", CLAIM)
    hands.claim()
    stop = threading.Event()
    stop.set()
    hands.drainer.run(stop)
    on_the_wire = len(hands.take())
    assert on_the_wire == sum(len(batch.dispatch_ids) for batch in SendBatch.objects.all())
    assert on_the_wire + DueDispatch.objects.count() == 5


def test_a_recording_is_told_once_and_its_releases_go_out_once(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, cut: Cut
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 1}}])
    plan = hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(8)])
    for batch in plan.ahead[:2]:
        batch.planned_at -= 2
        batch.parcels[0].not_after = dt.datetime.now(dt.UTC)
    cutter = cut("recorder", RECORD)
    assert hands.answer(ACCEPTED) == 4
    assert cutter.cut == 1
    assert hands.lanes.in_flight() == 2
    assert hands.answer(ACCEPTED) == 2
    assert sorted(Dispatch.objects.values_list("status", flat=True)) == ["EXPIRED"] * 2 + ["SENT"] * 6
    assert OutboxEvent.objects.count() == 8
    assert hands.lanes.held() == 0
    assert not SendBatch.objects.exists()


def test_what_its_pace_keeps_back_leaves_its_batch_once(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, cut: Cut
) -> None:
    campaign, _ = campaign_with(max_messages_per_minute=300)
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(8)])
    cutter = cut("recorder", RELEASE)
    hands.turn()
    assert cutter.cut == 1
    on_the_wire = [parcel.id for _batch, parcel in hands.take()]
    waiting = [str(row) for row in DueDispatch.objects.values_list("dispatch_id", flat=True)]
    assert len(on_the_wire) == 5
    assert len({*on_the_wire, *waiting}) == len(on_the_wire) + len(waiting) == 8
    assert hands.lanes.in_flight() == 5


def test_what_is_handed_back_waits_once(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, cut: Cut
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 1}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(8)])
    cutter = cut("recorder", HAND_BACK)
    ((batch, _parcel), *_) = hands.take()
    hands.lanes.back_off(batch.lane)
    hands.turn()
    assert cutter.cut == 1
    assert DueDispatch.objects.count() == 4
    assert SendBatch.objects.filter(released_at=None).count() == 0


def test_a_claim_whose_commit_is_still_under_way_is_asked_about_until_it_is_over(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    plan_due(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(5)])
    slow = connect("prism:test:slow")
    with slow, slow.transaction(), slow.cursor() as cursor:
        claimed = claim_due(
            cursor,
            LaneKey(str(provider.pk), LaneClass.TRIGGER),
            limit=10,
            worker_id=hands.worker_id,
            snapshots=hands.engine.snapshots,
            now=dt.datetime.now(dt.UTC),
            lease_s=10,
        )
        hands.drainer._doubt = (transaction_id(cursor), claimed.batches)
        assert hands.claim() == 0
        assert hands.take() == []
    hands.claim()
    assert len(hands.take()) == hands.lanes.in_flight() == 5
