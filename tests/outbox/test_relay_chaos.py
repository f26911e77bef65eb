"""Relays that are killed and frozen while facts come in: none is lost, and each contact's facts keep their order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tenants.database import connect
from tests.outbox import facts
from tests.outbox.relays import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
LEASE = 1.5
PARTITIONS = 4


class Herd:
    """Three relays as processes; the dead are replaced."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self.relays = [self._start() for _ in range(3)]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "relay_outbox", "--lease", str(LEASE), "--rows", "200"]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, cwd=CHECKOUT, env=self._environment, stderr=log)

    def kill_one(self, rng: random.Random) -> None:
        place = rng.randrange(len(self.relays))
        self.relays[place].kill()
        self.relays[place].wait()
        self.relays[place] = self._start()

    def freeze_one(self, rng: random.Random) -> None:
        """Longer than its lease, so that another one takes over; then it wakes up and finds out."""
        relay = rng.choice(self.relays)
        os.kill(relay.pid, signal.SIGSTOP)
        time.sleep(LEASE * 2)
        os.kill(relay.pid, signal.SIGCONT)

    def stop(self) -> list[int]:
        for relay in self.relays:
            os.kill(relay.pid, signal.SIGCONT)
            relay.terminate()
        return [relay.wait(30) for relay in self.relays]


class Writer:
    """Writes facts of 100 contacts all the time, in order within each contact."""

    KEYS = tuple(f"contact-{n}" for n in range(100))

    def __init__(self) -> None:
        self.written: list[facts.Written] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        with connect("prism-test") as connection:
            for n in range(1_000_000):
                if self._stopping.wait(0.05):
                    return
                batch = facts.numbered(self.KEYS, range(n * 4, n * 4 + 4), size=100)
                facts.write(connection, batch)
                self.written += batch

    def stop(self) -> list[facts.Written]:
        self._stopping.set()
        self._thread.join()
        return self.written


@pytest.fixture
def herd(process_environment: dict[str, str], topic: Callable[..., str], tmp_path: Path) -> Iterator[Herd]:
    environment = {**process_environment, "KAFKA_DISPATCH_EVENTS_TOPIC": topic("facts", partitions=PARTITIONS)}
    herd = Herd(environment, tmp_path / "relays.log")
    yield herd
    for relay in herd.relays:
        relay.kill()
        relay.wait()


def assert_all_facts_in_order(herd: Herd, writer: Writer, connection: psycopg.Connection[Any], bootstrap: str) -> None:
    written = writer.stop()
    wait_until(lambda: facts.waiting(connection) == 0, 60)
    # One that was just started may be ended before it listens to signals.
    assert set(herd.stop()) <= {0, -signal.SIGTERM}
    topic = herd._environment["KAFKA_DISPATCH_EVENTS_TOPIC"]
    messages = facts.consume(bootstrap, topic, partitions=PARTITIONS)
    assert {facts.headers(message)["fact_id"] for message in messages} == {fact.fact_id for fact in written}
    rounds = len(written) // len(Writer.KEYS)
    assert rounds > 20
    assert facts.first_numbers(messages) == {key: list(range(rounds)) for key in Writer.KEYS}
    print(f"{len(written)} facts, {len(messages) - len(written)} repeated")  # noqa: T201 - how often, for a person


def rounds(request: pytest.FixtureRequest) -> int:
    return 20 if request.config.getoption("--long") else 3


def test_relays_that_are_killed_lose_nothing_and_keep_order(
    herd: Herd, connection: psycopg.Connection[Any], kafka_bootstrap: str, request: pytest.FixtureRequest
) -> None:
    rng = random.Random(20241020)
    writer = Writer()
    for _round in range(rounds(request)):
        time.sleep(rng.uniform(0.5, 3))
        herd.kill_one(rng)
    assert_all_facts_in_order(herd, writer, connection, kafka_bootstrap)


def test_relays_that_freeze_beyond_their_lease_lose_nothing_and_keep_order(
    herd: Herd, connection: psycopg.Connection[Any], kafka_bootstrap: str, request: pytest.FixtureRequest
) -> None:
    rng = random.Random(19991231)
    writer = Writer()
    for _round in range(rounds(request)):
        time.sleep(rng.uniform(0.5, 3))
        herd.freeze_one(rng)
    assert_all_facts_in_order(herd, writer, connection, kafka_bootstrap)


def test_a_relay_that_is_asked_to_stop_finishes_what_is_under_way_and_gives_its_shards_back(
    herd: Herd, connection: psycopg.Connection[Any], kafka_bootstrap: str
) -> None:
    count = "SELECT count(*) FROM outbox_relays"
    wait_until(lambda: connection.execute(count).fetchone() == (3,))
    written = facts.numbered(Writer.KEYS, range(300))
    facts.write(connection, written)
    wait_until(lambda: 0 < facts.waiting(connection) < len(written))
    assert herd.stop() == [0, 0, 0]
    left = facts.waiting(connection)
    messages = facts.consume(kafka_bootstrap, herd._environment["KAFKA_DISPATCH_EVENTS_TOPIC"], partitions=PARTITIONS)
    assert len(messages) == len(written) - left
    assert connection.execute("SELECT count(*) FROM outbox_shards WHERE owner <> ''").fetchone() == (0,)
    assert connection.execute(count).fetchone() == (0,)
