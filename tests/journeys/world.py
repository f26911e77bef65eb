"""One running Prism for a test: a database and topics of its own, real processes, a vendor, an observer of facts."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from confluent_kafka import Message, Producer

from tests.journeys.facts import FactReader
from tests.journeys.processes import Worker
from tests.journeys.vendor import Vendor

LEASE_S = 3
"""The shortest time after which a silent worker is taken for dead: journeys have no 15 s to wait."""


class Record(msgspec.Struct, frozen=True):
    """Where a trigger landed."""

    partition: int
    offset: int


class World:
    """Starts processes, publishes triggers, reads facts and rows. Close it: nothing it started survives."""

    def __init__(
        self,
        environment: Mapping[str, str],
        place: Path,
        *,
        triggers: str,
        facts: str,
        group: str,
        lease_s: int = LEASE_S,
    ) -> None:
        """`triggers` and `facts` are topics that exist."""
        self.lease_s = lease_s
        self.bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
        self.triggers = triggers
        self.environment = {
            **environment,
            "KAFKA_TRIGGERS_TOPIC": triggers,
            "KAFKA_DISPATCH_EVENTS_TOPIC": facts,
            "KAFKA_CONSUMER_GROUP": group,
            "WORKER_DEAD_AFTER_SECONDS": str(lease_s),
            "OUTBOUND_ALLOW_PRIVATE": "true",
        }
        self.place = place
        self.workers: list[Worker] = []
        self._numbers = itertools.count(1)
        self._producer = Producer(
            {"bootstrap.servers": self.bootstrap, "linger.ms": 2, "enable.idempotence": True, "log_level": 0}
        )
        self.facts = FactReader(self.bootstrap, facts, self.logs)

    # Processes

    def start(self, *arguments: str, **environment: str) -> Worker:
        """A management command on this world's database and topics."""
        log = self.place / f"{next(self._numbers)}-{arguments[0]}.log"
        worker = Worker(arguments, {**self.environment, **environment}, log)
        self.workers.append(worker)
        return worker

    def consumer(self, *options: str) -> Worker:
        return self.start("consume_triggers", *options)

    def sender(self) -> Worker:
        return self.start("run_sender")

    def relay(self) -> Worker:
        return self.start("relay_outbox", "--lease", str(self.lease_s))

    def vendor(self, *options: str, name: str = "vendor", port: int = 0) -> Vendor:
        """A sandbox vendor that listens already; one of the same name goes on with its log."""
        return Vendor.begin(self.start, self.place / f"{name}.jsonl", *options, port=port)

    def end(self) -> None:
        """Kill what still runs, quietly; a test that cares for exit codes has asked for them before."""
        for worker in self.workers:
            if worker.exit_code is None:
                worker.kill()
        self.facts.close()

    # Triggers

    def publish(self, *events: dict[str, Any] | bytes, key: str | None = None, **headers: str) -> list[Record]:
        """Send triggers and wait for the broker's acknowledgement. Bytes go as they are."""
        landed: dict[int, Record] = {}

        def note(index: int) -> Callable[[Any, Message], None]:
            def delivered(error: Any, message: Message) -> None:
                assert error is None, error
                partition, offset = message.partition(), message.offset()
                assert partition is not None and offset is not None
                landed[index] = Record(partition, offset)

            return delivered

        for index, event in enumerate(events):
            value = event if isinstance(event, bytes) else json.dumps(event).encode()
            while True:
                try:
                    self._producer.produce(
                        self.triggers,
                        value=value,
                        key=key,
                        headers=[(name, text.encode()) for name, text in headers.items()],
                        on_delivery=note(index),
                    )
                except BufferError:
                    self._producer.poll(0.1)
                else:
                    break
            self._producer.poll(0)
        assert self._producer.flush(60) == 0, "the broker does not take the triggers"
        return [landed[index] for index in range(len(events))]

    # Rows

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """As the owner, apart from Django's own."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            yield connection

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def wait_for_rows(
        self, statement: str, *parameters: Any, done: Callable[[list[tuple[Any, ...]]], bool], seconds: float = 30.0
    ) -> list[tuple[Any, ...]]:
        """The rows once they satisfy `done`; raises with what was there when time runs out."""
        deadline = time.monotonic() + seconds
        while not done(found := self.rows(statement, *parameters)):
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds:.0f} s: {found[:20]}\n{self.logs()}")
            time.sleep(0.05)
        return found

    def statuses(self, correlation_id: str) -> list[tuple[str, str]]:
        """(status, reason) of every dispatch of an event, oldest first."""
        return [
            (status, reason)
            for status, reason in self.rows(
                "SELECT status, reason FROM dispatches WHERE correlation_id = %s ORDER BY id", correlation_id
            )
        ]

    def wait_for_status(self, correlation_id: str, *statuses: str, seconds: float = 30.0) -> None:
        """Until the event's dispatches have exactly these states, in any order."""
        self.wait_for_rows(
            "SELECT status, reason FROM dispatches WHERE correlation_id = %s ORDER BY id",
            correlation_id,
            done=lambda rows: sorted(row[0] for row in rows) == sorted(statuses),
            seconds=seconds,
        )

    def rejections(self) -> list[tuple[str, str]]:
        """(code, correlation id) of every rejected trigger, oldest first."""
        return [
            (code, correlation_id)
            for code, correlation_id in self.rows(
                'SELECT code, correlation_id FROM rejected_triggers ORDER BY "partition", "offset"'
            )
        ]

    def logs(self) -> str:
        """The states of all dispatches, and the end of what each process said."""
        states = self.rows("SELECT status, reason, count(*) FROM dispatches GROUP BY status, reason ORDER BY 3 DESC")
        said = [f"--- {worker.name} ({worker.exit_code}):\n{worker.tail()}" for worker in self.workers]
        return "\n".join([f"dispatches: {states[:20]}", *said])
