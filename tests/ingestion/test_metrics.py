"""What Prometheus is told while triggers are consumed."""

from __future__ import annotations

from prometheus_client import REGISTRY

from ingestion import reasons
from tests.ingestion.planners import LedgerPlanner, refused_by_postgres
from tests.ingestion.stage import Stage, wait_until
from tests.ingestion.test_consuming import events


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_outcomes_and_batches_are_counted(stage: Stage, planner: LedgerPlanner) -> None:
    planned = value("prism_triggers_total", outcome="planned", code="")
    malformed = value("prism_triggers_total", outcome="rejected", code=reasons.MALFORMED_JSON)
    duplicates = value("prism_triggers_total", outcome="duplicate", code="")
    batches, sizes = value("prism_trigger_batch_size_count"), value("prism_trigger_batch_size_sum")
    stage.produce(*events(4), b"x", *events(1))
    stage.consume(planner)
    assert value("prism_triggers_total", outcome="planned", code="") == planned + 4
    assert value("prism_triggers_total", outcome="rejected", code=reasons.MALFORMED_JSON) == malformed + 1
    assert value("prism_triggers_total", outcome="duplicate", code="") == duplicates + 1
    assert value("prism_trigger_batch_size_count") > batches
    assert value("prism_trigger_batch_size_sum") == sizes + 6


def test_lag_grows_while_we_are_held_up_and_the_trouble_is_told(stage: Stage, planner: LedgerPlanner) -> None:
    planner.faults["c-3"] = refused_by_postgres("SELECT * FROM nowhere")
    stage.produce(*events(3))
    stage.start(planner, batch_size=3)
    wait_until(lambda: stage.position() == 3)
    stage.produce(*events(7, first=3))
    labels = {"topic": stage.topic, "partition": "0"}
    wait_until(lambda: value("prism_consumer_lag", **labels) == 7)
    assert value("prism_ingestion_paused") == 1
    assert value("prism_ingestion_trouble_total", error="UndefinedTable") >= 1
    planner.faults.clear()
    wait_until(lambda: value("prism_consumer_lag", **labels) == 0 and stage.position() == 10)
    assert value("prism_ingestion_paused") == 0


def test_a_stopped_partition_shows_until_it_is_recovered(stage: Stage, planner: LedgerPlanner) -> None:
    from django.core.management import call_command

    stage.produce(*events(2))
    stage.consume(planner)
    stage.write("UPDATE consumer_positions SET next_offset = 50")
    stage.start(planner)
    labels = {"topic": stage.topic, "partition": "0"}
    wait_until(lambda: value("prism_stopped_partitions", **labels) == 1)
    call_command("recover_position", "--resend", "--yes")
    wait_until(lambda: value("prism_stopped_partitions", **labels) == 0)
    wait_until(lambda: stage.position() == 2)
