"""The command itself, in a process of its own with the real engine: options, signals, exit codes, summary."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.databases import CHECKOUT
from tests.ingestion.events import event
from tests.ingestion.stage import Stage, wait_until
from tests.ingestion.test_consuming import events

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(stage: Stage, process_environment: dict[str, str]) -> Start:
    environment = {
        **process_environment,
        "KAFKA_TRIGGERS_TOPIC": stage.topic,
        "KAFKA_CONSUMER_GROUP": stage.group,
    }

    def run(*arguments: str, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(CHECKOUT / "manage.py"), "consume_triggers", *arguments],
            env={**environment, **changes},
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    told, trouble = process.communicate(timeout=60)
    assert process.returncode == code, trouble[-2000:]
    return told + trouble


def test_it_ends_when_idle_and_tells_what_became_of_everything(stage: Stage, start: Start) -> None:
    stage.produce(*events(3), b"not json", event(correlation_id="c-0"))
    told = end(start("--idle-exit", "2", "--batch-size", "2"))
    assert "5 events: planned 0, duplicate 0, rejected 5 (MALFORMED_JSON 1, UNKNOWN_JOURNEY 4)" in told
    assert stage.position() == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_it(stage: Stage, start: Start, number: signal.Signals) -> None:
    stage.produce(*events(2))
    process = start()
    wait_until(lambda: stage.position() == 2, 40)
    process.send_signal(number)
    started = time.monotonic()
    assert "2 events" in end(process)
    assert time.monotonic() - started < 10
    assert stage.rows("SELECT state FROM workers") == [("stopped",)]


def test_a_stopped_partition_is_told_at_the_end(stage: Stage, start: Start) -> None:
    stage.write(
        "INSERT INTO consumer_positions (consumer_group, topic, partition, epoch, next_offset)"
        " VALUES (%s, %s, 0, 1, 9)",
        stage.group,
        stage.topic,
    )
    told = end(start("--idle-exit", "2"), code=1)
    assert "[0] is stopped: " in told
    assert "recover_position" in told


def test_it_stops_after_max_events(stage: Stage, start: Start) -> None:
    stage.produce(*events(10))
    assert "4 events" in end(start("--max-events", "4"))
    assert stage.position() == 4


def test_a_worker_that_was_declared_dead_ends_non_zero(stage: Stage, start: Start) -> None:
    process = start()
    wait_until(lambda: stage.rows("SELECT 1 FROM workers"), 40)
    wait_until(lambda: stage.position() is not None, 40)
    stage.write("UPDATE workers SET state = 'dead'")
    assert "nothing is lost" in end(process, code=1)


@pytest.mark.parametrize(
    "arguments", [["--batch-size", "0"], ["--batch-size", "5001"], ["--max-events", "0"], ["--idle-exit", "0"]]
)
def test_options_without_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("consume_triggers", *arguments)


def test_kafka_settings_that_break_the_promise_are_refused_in_one_line(stage: Stage, start: Start) -> None:
    told = end(start(KAFKA_EXTRA_CONFIG=json.dumps({"enable.auto.commit": True})), code=1)
    assert "KAFKA_EXTRA_CONFIG: enable.auto.commit" in told
    assert "Traceback" not in told
