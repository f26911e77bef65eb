"""A topic, a group, consumers in threads: everything real but the planner."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from dispatching.database import connect
from ingestion.consuming import Limits, TriggerConsumer
from prism.embedded import ensure_topics
from tests.ingestion.planners import LedgerPlanner

Rows = list[tuple[Any, ...]]


class Stage:
    """What a test of consuming needs at hand."""

    def __init__(self, bootstrap: str, topic: str, group: str) -> None:
        self.topic, self.group = topic, group
        self._bootstrap = bootstrap
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1})
        self._running: list[Running] = []

    def make_topic(self, name: str) -> str:
        """One more topic of this test; its name begins with the first one's, so that it is swept up with that run's."""
        ensure_topics(self._bootstrap, {name: 1})
        return name

    def produce(self, *values: bytes | dict[str, Any] | None, partition: int = 0, **options: Any) -> None:
        for value in values:
            raw = json.dumps(value).encode() if isinstance(value, dict) else value
            self._producer.produce(self.topic, raw, partition=partition, on_delivery=_delivered, **options)
        assert self._producer.flush(10) == 0

    def consumer(self, planner: LedgerPlanner, **limits: Any) -> TriggerConsumer:
        return TriggerConsumer(planner, lambda: connect("prism:test:consumer"), Limits(**limits))

    def consume(self, planner: LedgerPlanner, **limits: Any) -> TriggerConsumer:
        """Until idle, in this thread."""
        consumer = self.consumer(planner, **{"idle_exit": 1.0, **limits})
        consumer.run(threading.Event())
        return consumer

    def start(self, planner: LedgerPlanner, **limits: Any) -> Running:
        running = Running(self.consumer(planner, **limits))
        self._running.append(running)
        return running

    def rows(self, query: str, *values: Any) -> Rows:
        with connect("prism:test:look") as connection:
            return connection.execute(query, values).fetchall()

    def write(self, query: str, *values: Any) -> None:
        with connect("prism:test:write") as connection:
            connection.execute(query, values)

    def position(self, partition: int = 0) -> int | None:
        found = self.rows(
            "SELECT next_offset FROM consumer_positions WHERE topic = %s AND partition = %s", self.topic, partition
        )
        return found[0][0] if found else None

    def stopped_reason(self, partition: int = 0) -> str:
        found = self.rows(
            "SELECT stopped_reason FROM consumer_positions WHERE topic = %s AND partition = %s", self.topic, partition
        )
        return found[0][0] if found else ""

    def planned(self) -> int:
        return int(self.rows("SELECT count(*) FROM trigger_receipts WHERE NOT rejected")[0][0])

    def rejected(self) -> Rows:
        return self.rows('SELECT "offset", code, path, raw FROM rejected_triggers ORDER BY partition, "offset"')

    def end(self) -> None:
        for running in self._running:
            running.end()


class Running:
    """A consumer in a thread of its own."""

    def __init__(self, consumer: TriggerConsumer) -> None:
        self.consumer = consumer
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.consumer.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - shown to the test
            self.error = error

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


def _delivered(error: object, _message: object) -> None:
    assert error is None, error


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
