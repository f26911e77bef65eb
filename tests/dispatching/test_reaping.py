"""What a dead process held is recovered: unreleased rows wait again, released ones say UNKNOWN, none is sent twice."""

from __future__ import annotations

import datetime as dt
import uuid

import psycopg
import pytest
from django.db import connection as django_connection

from campaigns.models import Campaign
from dispatching import workers
from dispatching.database import connect
from dispatching.lanes import Lanes
from dispatching.models import Dispatch, DueDispatch, SendBatch, Worker
from dispatching.planning import Plan, Planner, plan_batch
from dispatching.reaping import Reaper, reap
from dispatching.releasing import OwnershipLostError, release_batches
from dispatching.snapshot import SnapshotHolder
from outbox.models import OutboxEvent
from tests.dispatching.conftest import MakeTrigger
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory


@pytest.fixture
def planned(connection: psycopg.Connection, make_trigger: MakeTrigger) -> tuple[int, Plan]:
    """A worker with released and unreleased batches of a lane of four slots."""
    campaign: Campaign = CampaignFactory.create()
    link = CampaignProviderTemplateFactory.create(campaign_provider__campaign=campaign)
    provider = link.campaign_provider.provider
    provider.configuration["concurrency"] = 1
    provider.save()
    worker_id = workers.register("consumer")
    triggers = [make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(10)]
    planner = Planner(worker_id=worker_id, snapshots=SnapshotHolder(), lanes=Lanes())
    with connection.transaction(), connection.cursor() as cursor:
        plan = plan_batch(cursor, planner, triggers, dt.datetime.now(dt.UTC))
    return worker_id, plan


def silence(worker_id: int, seconds: int = 60) -> None:
    Worker.objects.filter(id=worker_id).update(heartbeat_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds))


def test_a_living_worker_keeps_what_it_holds(connection: psycopg.Connection, planned: tuple[int, Plan]) -> None:
    assert reap(connection, dead_after_s=15) == 0
    assert SendBatch.objects.count() == len(planned[1].released) + len(planned[1].ahead)


def test_a_dead_workers_unreleased_rows_wait_again_and_released_ones_are_unknown(
    connection: psycopg.Connection, planned: tuple[int, Plan]
) -> None:
    silence(planned[0])
    reap(connection, dead_after_s=15)
    assert Dispatch.objects.filter(status="UNKNOWN", reason="WORKER_LOST").count() == 4
    assert Dispatch.objects.filter(status="PENDING").count() == 6
    assert DueDispatch.objects.count() == 6
    assert OutboxEvent.objects.count() == 4
    assert not SendBatch.objects.exists()
    assert reap(connection, dead_after_s=15) == 0, "a second reaper finds nothing"


def test_a_release_after_the_reaper_finds_nothing(connection: psycopg.Connection, planned: tuple[int, Plan]) -> None:
    worker_id, plan = planned
    silence(worker_id)
    reap(connection, dead_after_s=15)
    with pytest.raises(OwnershipLostError), connection.transaction(), connection.cursor() as cursor:
        release_batches(
            cursor,
            plan.ahead,
            worker_id=worker_id,
            snapshots=SnapshotHolder(),
            now=dt.datetime.now(dt.UTC),
            lease_s=10,
        )


def test_a_frozen_transaction_is_ended_so_that_it_can_neither_commit_nor_hold_its_locks(
    connection: psycopg.Connection, planned: tuple[int, Plan]
) -> None:
    worker_id, plan = planned
    frozen = connect(workers.application_name(worker_id, "recorder"))
    frozen.execute("BEGIN")
    frozen.execute("UPDATE send_batches SET released_at = now() WHERE owner = %s", [worker_id])
    silence(worker_id)
    reap(connection, dead_after_s=15)
    assert DueDispatch.objects.count() == sum(len(batch.parcels) for batch in plan.ahead)
    with pytest.raises(psycopg.OperationalError):
        frozen.execute("COMMIT")
    frozen.close()


def test_a_reaper_that_died_half_way_is_finished_by_the_next(
    connection: psycopg.Connection, planned: tuple[int, Plan]
) -> None:
    Worker.objects.filter(id=planned[0]).update(state="dead")
    assert reap(connection, dead_after_s=15) > 0
    assert not SendBatch.objects.exists()


def test_a_worker_that_was_declared_dead_finds_out_at_its_next_beat(connection: psycopg.Connection) -> None:
    worker_id = workers.register("consumer")
    silence(worker_id)
    reap(connection, dead_after_s=15)
    beat = workers.Heartbeat(worker_id, dict, lambda _: None)
    with pytest.raises(workers.WorkerLostError):
        beat.run()


def test_a_batch_of_a_worker_nobody_knows_is_recovered_too(connection: psycopg.Connection) -> None:
    SendBatch.objects.create(
        id=uuid.uuid4(),
        owner=999_999,
        provider_id=uuid.uuid4(),
        lane_class=1,
        dispatch_ids=[uuid.uuid4()],
        versions=[1],
        created_at=dt.datetime.now(dt.UTC),
    )
    assert reap(connection, dead_after_s=15) == 1


def test_a_reaper_with_much_to_do_beats_in_between(connection: psycopg.Connection) -> None:
    """Silent while it recovers what a large dead process held, it would be taken for dead itself."""
    mine, now = workers.register("sender"), dt.datetime.now(dt.UTC)
    for _ in range(300):
        SendBatch.objects.create(
            id=uuid.uuid4(), owner=999_999, provider_id=uuid.uuid4(), lane_class=1, dispatch_ids=[uuid.uuid4()],
            versions=[1], created_at=now,
        )  # fmt: skip
    reaper = Reaper(mine, 15, busy_s=0.0)
    reaper._since -= 20
    left = []
    while SendBatch.objects.exists():
        reaper(connection)
        left.append(SendBatch.objects.count())
    assert len(left) > 2
    assert left == sorted(left, reverse=True)


def test_a_reaper_that_dies_before_it_ended_the_sessions_leaves_them_to_the_next(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen transaction that shows no batch yet still holds its locks: of the position, of the ledger's keys."""
    worker_id = workers.register("consumer")
    frozen = connect(workers.application_name(worker_id, "planner"))
    frozen.execute("BEGIN")
    frozen.execute("SELECT pg_advisory_xact_lock(4711)")
    silence(worker_id)
    with monkeypatch.context() as patch:
        patch.setattr("dispatching.reaping._END_SESSIONS", "SELECT 1 / 0")
        with pytest.raises(psycopg.DataError):
            reap(connection, dead_after_s=15)
    reap(connection, dead_after_s=15)
    assert connection.execute("SELECT pg_try_advisory_lock(4711)").fetchone() == (True,)
    frozen.close()


def test_sessions_of_another_database_with_the_same_worker_number_are_left_alone(
    connection: psycopg.Connection, planned: tuple[int, Plan]
) -> None:
    worker_id, _ = planned
    address = {**django_connection.get_connection_params(), "dbname": "postgres"}
    kept = {name: address[name] for name in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(**kept, application_name=workers.application_name(worker_id, "recorder")) as elsewhere:
        silence(worker_id)
        assert reap(connection, dead_after_s=15) > 0
        assert elsewhere.execute("SELECT 1").fetchone() == (1,)
