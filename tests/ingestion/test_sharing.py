"""Several consumers: partitions change hands, a process that lost one changes nothing, nobody waits crosswise."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest

from dispatching.database import connect
from dispatching.planning import Plan
from ingestion import positions
from ingestion.consuming import Limits, TriggerConsumer
from ingestion.transacting import Doubt, was_committed
from tests.ingestion.cutter import CommitCutter
from tests.ingestion.events import event
from tests.ingestion.planners import LedgerPlanner
from tests.ingestion.stage import Stage, wait_until
from tests.ingestion.test_consuming import events


def test_two_consumers_share_the_partitions_and_every_event_is_planned_once(
    make_stage: Callable[..., Stage], planner: LedgerPlanner
) -> None:
    stage = make_stage(partitions=4)
    first = stage.start(planner, batch_size=20)
    for partition in range(4):
        stage.produce(*events(50, first=50 * partition), partition=partition)
    second = stage.start(LedgerPlanner(), batch_size=20)
    wait_until(lambda: stage.planned() == 200 and len(second.consumer.partitions) == 2)
    for partition in range(4):
        stage.produce(*events(50, first=200 + 50 * partition), partition=partition)
    wait_until(lambda: stage.planned() == 400)
    assert second.consumer.counts.total() >= 100
    second.end()
    for partition in range(4):
        stage.produce(*events(50, first=400 + 50 * partition), partition=partition)
    wait_until(lambda: stage.planned() == 600)
    first.end()
    assert (first.error, second.error) == (None, None)
    total = first.consumer.counts + second.consumer.counts
    assert total == {("planned", ""): 600}


def test_a_partition_taken_by_another_process_in_the_middle_of_a_batch_is_rolled_back_and_left(
    stage: Stage, planner: LedgerPlanner
) -> None:
    """As after a freeze: this process still believes in its epoch, and Kafka has not told it yet."""
    taken: list[positions.Position] = []

    def take_away() -> None:
        planner.on_plan = lambda: None
        with connect("prism:test:thief") as thief, thief.cursor() as cursor:
            # The row is locked by the batch under way, so the next one meets the new epoch.
            thread = threading.Thread(target=_take, args=(stage, taken))
            thread.start()
            cursor.execute("SELECT pg_sleep(0.1)")

    stage.produce(*events(5))
    planner.on_plan = take_away
    running = stage.start(planner, batch_size=5)
    wait_until(lambda: len(taken) == 1)
    assert (taken[0].epoch, taken[0].next_offset) == (2, 5)
    stage.produce(*events(5, first=5))
    # Kafka says it is still ours, so it is taken back, and nothing is counted twice.
    wait_until(lambda: stage.position() == 10)
    assert running.consumer.counts == {("planned", ""): 10}
    assert stage.rows("SELECT epoch FROM consumer_positions") == [(3,)]
    assert len(planner.abandoned) == 0
    assert stage.planned() == 10


def _take(stage: Stage, taken: list[positions.Position]) -> None:
    with connect("prism:test:thief") as thief, thief.cursor() as cursor:
        taken.append(positions.take(cursor, group=stage.group, topic=stage.topic, partition=0, earliest=0))


def test_batches_that_share_keys_crosswise_do_not_deadlock(
    make_stage: Callable[..., Stage], planner: LedgerPlanner
) -> None:
    stage = make_stage(partitions=2)
    running = [stage.start(planner, batch_size=100), stage.start(LedgerPlanner(), batch_size=100)]
    wait_until(lambda: len(stage.rows("SELECT 1 FROM consumer_positions")) == 2)
    same = [event(correlation_id=f"shared-{number}") for number in range(400)]
    stage.produce(*same, partition=0)
    stage.produce(*reversed(same), partition=1)
    wait_until(lambda: (stage.position(0), stage.position(1)) == (400, 400))
    assert stage.planned() == 400
    total = running[0].consumer.counts + running[1].consumer.counts
    assert total == {("planned", ""): 400, ("duplicate", ""): 400}
    assert [each.error for each in running] == [None, None]


def test_a_frozen_owner_of_a_row_does_not_stop_the_other_partitions(
    make_stage: Callable[..., Stage], planner: LedgerPlanner
) -> None:
    stage = make_stage(partitions=2)
    stage.produce(event(correlation_id="a"), partition=0)
    stage.produce(event(correlation_id="b"), partition=1)
    stage.consume(planner)
    with connect("prism:test:frozen") as frozen, frozen.transaction():
        frozen.execute("UPDATE consumer_positions SET updated_at = now() WHERE partition = 0")
        running = stage.start(planner)
        stage.produce(event(correlation_id="c"), partition=0)
        stage.produce(event(correlation_id="d"), partition=1)
        wait_until(lambda: stage.position(1) == 2)
        assert stage.position(0) == 1
    wait_until(lambda: stage.position(0) == 2)
    assert running.error is None


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(stage: Stage, planner: LedgerPlanner, arrived: bool) -> None:
    """Either it happened, then its plan is kept; or it did not, then it is done again. Never both."""
    stage.produce(*events(5))
    with CommitCutter(arrives=arrived) as cutter:
        consumer = TriggerConsumer(planner, cutter.connect, Limits(idle_exit=1.5))
        consumer.run(threading.Event())
    assert cutter.cut == 1
    assert consumer.counts == {("planned", ""): 5}
    assert (stage.position(), stage.planned()) == (5, 5)
    assert (len(planner.accepted), len(planner.abandoned)) == ((1, 0) if arrived else (1, 1))


@pytest.mark.parametrize(("status", "there", "verdict"), [(None, True, False), ("committed", False, False)])
def test_a_server_that_knows_nothing_of_a_transaction_did_not_commit_it(
    connection: psycopg.Connection, status: str | None, there: bool, verdict: bool
) -> None:
    """After a fail-over the id may be one that is still to come, or was given to another transaction."""
    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
    assert row is not None
    transaction = row[0] if status else str(int(row[0]) + 1_000_000)
    doubt = Doubt(transaction, Plan([], [], [], [], {}), lambda _connection: there, lambda: None)
    assert was_committed(connection, doubt) is verdict
