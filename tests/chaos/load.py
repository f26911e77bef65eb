"""A steady stream of triggers of every kind, and the list of what was sent."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
from confluent_kafka import Message, Producer

from tests.journeys.events import trigger
from tests.journeys.vendor import phone
from tests.journeys.world import Record, World

BOTH, RETRIED, REFUSED, REPEATED, BROKEN, UNKNOWN_JOURNEY = range(6)
"""By both providers; after a first failure; refused by the vendor; sent twice; no JSON; no campaign."""
MIX = (BOTH,) * 80 + (RETRIED,) * 8 + (REFUSED,) * 4 + (REPEATED,) * 5 + (BROKEN,) * 2 + (UNKNOWN_JOURNEY,)
BOTH_WAYS, ONE_WAY = "chaos_both", "chaos_one"


class Published(msgspec.Struct):
    kind: int
    correlation_id: str
    records: list[Record]


class Load(threading.Thread):
    """Publishes about `rate` events a second until told to stop. `published` is complete once it has ended."""

    def __init__(self, world: World, chance: random.Random, rate: int) -> None:
        super().__init__(name="load", daemon=True)
        self.published: list[Published] = []
        self.problems: list[str] = []
        self._topic = world.triggers
        self._chance = random.Random(chance.random())
        self._rate = rate
        self._enough = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": world.bootstrap,
                "linger.ms": 5,
                "enable.idempotence": True,
                "log_level": 0,
            }
        )

    def run(self) -> None:
        begun = time.monotonic()
        while not self._enough.is_set():
            behind = int((time.monotonic() - begun) * self._rate) - len(self.published)
            for _ in range(behind):
                self._publish(self._chance.choice(MIX))
            self._producer.poll(0)
            time.sleep(0.02)
        if left := self._producer.flush(120):
            self.problems.append(f"{left} events did not reach the broker")

    def stop(self) -> list[Published]:
        self._enough.set()
        self.join(150)
        assert not self.problems, self.problems
        assert not self.is_alive()
        return self.published

    @property
    def taken(self) -> int:
        """How many events the broker has acknowledged."""
        return sum(1 for entry in self.published if entry.records)

    def _publish(self, kind: int) -> None:
        event = _event(kind, self._chance)
        entry = Published(kind, event["correlation_id"], [])
        self.published.append(entry)
        value = b'{"journey_name": ' if kind == BROKEN else json.dumps(event).encode()
        for _ in range(2 if kind == REPEATED else 1):
            self._producer.produce(self._topic, value=value, on_delivery=self._note(entry))

    def _note(self, entry: Published) -> Callable[[Any, Message], None]:
        def delivered(error: Any, message: Message) -> None:
            partition, offset = message.partition(), message.offset()
            if error is not None or partition is None or offset is None:
                self.problems.append(str(error))
            else:
                entry.records.append(Record(partition, offset))

        return delivered


def _event(kind: int, chance: random.Random) -> dict[str, Any]:
    person = f"{chance.randrange(10**14):014}"
    if kind == UNKNOWN_JOURNEY:
        return trigger("chaos_nobody", tax_identification=person)
    if kind == RETRIED:
        return trigger(ONE_WAY, tax_identification=person, phone_number=phone(501))
    if kind == REFUSED:
        return trigger(ONE_WAY, tax_identification=person, phone_number=phone(400))
    slow = f"ana+sandbox-slow-{chance.choice((1, 20, 60))}@example.com"
    return trigger(BOTH_WAYS, tax_identification=person, email=slow)
