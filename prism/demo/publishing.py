"""Puts triggers on the topic and reads facts back from theirs, as any other system would."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from django.conf import settings

from prism.demo.errors import DemoError

PATIENCE_S = 20.0


class Record(msgspec.Struct, frozen=True):
    partition: int
    offset: int


class Fact(msgspec.Struct, frozen=True):
    dispatch_id: str
    version: int
    body: dict[str, Any]


def publish(topic: str, values: Sequence[bytes]) -> list[Record]:
    """Where each landed. One partition, so that repeats come after what they repeat."""
    landed: dict[int, Record] = {}
    problems: list[str] = []

    def note(index: int) -> Callable[[Any, Message], None]:
        def delivered(error: Any, message: Message) -> None:
            partition, offset = message.partition(), message.offset()
            if error is not None or partition is None or offset is None:
                problems.append(str(error))
            else:
                landed[index] = Record(partition, offset)

        return delivered

    producer = Producer({**_client(), "enable.idempotence": True})
    for index, value in enumerate(values):
        producer.produce(topic, value=value, key=b"demo", on_delivery=note(index))
    if producer.flush(PATIENCE_S) or problems:
        raise DemoError(f"Kafka did not take the sample triggers: {problems or 'no answer'}.")
    return [landed[index] for index in range(len(values))]


class FactReader:
    """Reads what is published after it was made."""

    def __init__(self, topic: str) -> None:
        self._consumer = Consumer({**_client(), "group.id": "prism-demo", "enable.auto.commit": False})
        partitions = self._consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic].partitions
        ends = [
            TopicPartition(topic, number, self._consumer.get_watermark_offsets(TopicPartition(topic, number))[1])
            for number in partitions
        ]
        self._consumer.assign(ends)
        self._facts: list[Fact] = []

    def wait_for(self, wanted: set[tuple[str, int]], seconds: float) -> list[Fact]:
        """Facts of these (dispatch id, version), each once, in the order they came; fewer when time runs out."""
        deadline = time.monotonic() + seconds
        while not wanted <= {(fact.dispatch_id, fact.version) for fact in self._facts}:
            message = self._consumer.poll(0.2)
            if message is not None and message.error() is None:
                self._facts.append(_fact(message))
            if time.monotonic() > deadline:
                break
        found = {(fact.dispatch_id, fact.version): fact for fact in reversed(self._facts)}
        return [fact for fact in self._facts if found.get((fact.dispatch_id, fact.version)) is fact]

    def close(self) -> None:
        self._consumer.close()


def _client() -> dict[str, Any]:
    """Quiet: a broker that has just started makes librdkafka grumble, and try again by itself."""
    return {"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS, "log_level": 0, **settings.KAFKA_EXTRA_CONFIG}


def _fact(message: Message) -> Fact:
    headers = {str(name): value for name, value in dict(message.headers() or []).items()}
    identifier, version = headers.get("dispatch_id"), headers.get("version")
    text = identifier.decode() if isinstance(identifier, bytes) else str(identifier)
    return Fact(text, int(version or 0), json.loads(message.value() or b"{}"))
