"""When the database and Kafka disagree, the partition stops, says why, and goes on only as an operator decides."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from django.core.management import call_command
from django.core.management.base import CommandError

from ingestion import reasons
from ingestion.kafka import make_consumer
from ingestion.positions import Position
from ingestion.witness import KafkaView, problem_of
from tests.ingestion.events import event
from tests.ingestion.planners import LedgerPlanner
from tests.ingestion.stage import Stage, wait_until
from tests.ingestion.test_consuming import events


def restore_database_to(stage: Stage, offset: int) -> None:
    """What a restored backup looks like: the position and the ledger of an earlier moment."""
    stage.write("UPDATE consumer_positions SET next_offset = %s", offset)
    stage.write("DELETE FROM trigger_receipts")


def committed(stage: Stage) -> int:
    consumer = make_consumer()
    found = consumer.committed([TopicPartition(stage.topic, 0)], timeout=10)[0].offset
    consumer.close()
    return int(found)


def recover(*options: str) -> str:
    told = StringIO()
    call_command("recover_position", *options, "--yes", stdout=told, stderr=told)
    return told.getvalue()


@pytest.fixture
def ahead(stage: Stage, planner: LedgerPlanner) -> Stage:
    """Ten events consumed, and a database that remembers four of them."""
    stage.produce(*events(10))
    assert stage.consume(planner).counts.total() == 10
    wait_until(lambda: committed(stage) == 10)
    restore_database_to(stage, 4)
    assert stage.consume(planner).counts.total() == 0
    assert "10" in stage.stopped_reason()
    return stage


@pytest.mark.parametrize(
    ("position", "view", "told"),
    [
        (Position(1, 5, "", None), KafkaView(None, 0, 9), ""),
        (Position(1, 5, "", None), KafkaView(5, 0, 9), ""),
        (Position(1, 5, "", None), KafkaView(4, 0, 9), ""),
        (Position(1, 5, "", None), KafkaView(6, 0, 9), "--mark-unknown"),
        (Position(1, 5, "", 6), KafkaView(6, 0, 9), ""),
        (Position(1, 5, "", 7), KafkaView(6, 0, 9), "--mark-unknown"),
        (Position(1, 5, "", None), KafkaView(5, 5, 5), ""),
        (Position(1, 5, "", None), KafkaView(5, 6, 9), "--resend"),
        (Position(1, 5, "", None), KafkaView(None, 0, 4), "--resend"),
        (Position(1, 5, "stopped before", None), KafkaView(5, 0, 9), "stopped before"),
    ],
)
def test_a_position_is_trusted_only_where_kafka_agrees(position: Position, view: KafkaView, told: str) -> None:
    problem = problem_of(position, view)
    assert told in problem
    assert bool(told) == bool(problem)


def test_a_witness_that_is_ahead_stops_its_partition_until_told(ahead: Stage, planner: LedgerPlanner) -> None:
    assert ahead.position() == 4
    assert ahead.planned() == 0
    with pytest.raises(CommandError):
        call_command("recover_position", "--yes", stdout=StringIO())
    assert ahead.stopped_reason()


def test_the_other_partitions_go_on(make_stage: Any, planner: LedgerPlanner) -> None:
    stage = make_stage(partitions=2)
    stage.produce(*events(5))
    stage.produce(*events(5, first=5), partition=1)
    stage.consume(planner)
    wait_until(lambda: committed(stage) == 5)
    stage.write("UPDATE consumer_positions SET next_offset = 2 WHERE partition = 0")
    stage.produce(*events(5, first=10))
    stage.produce(*events(5, first=15), partition=1)
    assert stage.consume(planner).counts == {("planned", ""): 5}
    assert (stage.position(0), stage.position(1)) == (2, 10)


def test_resend_processes_what_is_between_again_also_by_a_running_consumer(
    ahead: Stage, planner: LedgerPlanner
) -> None:
    running = ahead.start(planner)
    assert "goes on at 4" in recover("--resend")
    wait_until(lambda: ahead.position() == 10)
    assert ahead.planned() == 6
    assert ahead.rejected() == []
    ahead.produce(*events(3, first=10))
    wait_until(lambda: ahead.position() == 13)
    running.end()
    assert running.error is None
    wait_until(lambda: committed(ahead) == 13)


def test_a_resend_that_is_interrupted_goes_on_without_asking_again(ahead: Stage, planner: LedgerPlanner) -> None:
    recover("--resend")
    assert ahead.consume(planner, max_events=2, idle_exit=None).counts.total() == 2
    assert ahead.consume(planner).counts.total() == 4
    assert ahead.stopped_reason() == ""


def test_mark_unknown_sends_nothing_and_leaves_one_rejection_per_record(ahead: Stage, planner: LedgerPlanner) -> None:
    assert "6 records marked unknown" in recover("--mark-unknown")
    assert [row[:2] for row in ahead.rejected()] == [(n, reasons.SKIPPED_IN_RECOVERY) for n in range(4, 10)]
    assert ahead.rows('SELECT correlation_id, tenant_id FROM rejected_triggers ORDER BY "offset"')[0] == ("c-4", 1)
    assert (ahead.position(), ahead.stopped_reason(), ahead.planned()) == (10, "", 0)
    ahead.produce(event(correlation_id="next"))
    assert ahead.consume(planner).counts == {("planned", ""): 1}


def test_a_lost_row_counts_as_a_database_that_went_back(ahead: Stage, planner: LedgerPlanner) -> None:
    ahead.write("DELETE FROM consumer_positions")
    assert ahead.consume(planner).counts.total() == 0
    assert ahead.stopped_reason()
    assert "10 records marked unknown" in recover("--mark-unknown")


def test_records_that_left_the_topic_stop_the_partition(stage: Stage, planner: LedgerPlanner) -> None:
    stage.produce(*events(10))
    stage.consume(planner, max_events=3, idle_exit=None)
    _delete_before(stage, 6)
    assert stage.consume(planner).counts.total() == 0
    assert "6" in stage.stopped_reason()
    assert "goes on at 6" in recover("--resend")
    assert stage.consume(planner).counts == {("planned", ""): 4}
    assert stage.position() == 10


def test_records_that_leave_the_topic_while_they_are_awaited_stop_the_partition(
    stage: Stage, planner: LedgerPlanner
) -> None:
    stage.produce(*events(10))
    stage.write("ALTER TABLE trigger_receipts RENAME TO away")
    running = stage.start(planner)
    wait_until(lambda: stage.position() == 0)
    _delete_before(stage, 6)
    wait_until(stage.stopped_reason)
    stage.write("ALTER TABLE away RENAME TO trigger_receipts")
    recover("--resend")
    wait_until(lambda: stage.position() == 10)
    assert stage.planned() == 4
    assert running.error is None


def test_what_is_not_stopped_cannot_be_recovered(stage: Stage, planner: LedgerPlanner) -> None:
    stage.produce(event())
    stage.consume(planner)
    assert "[0]" not in recover("--resend")
    assert stage.position() == 1


def _delete_before(stage: Stage, offset: int) -> None:
    from django.conf import settings

    client = AdminClient({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS})
    for done in client.delete_records([TopicPartition(stage.topic, 0, offset)]).values():
        done.result(10)
