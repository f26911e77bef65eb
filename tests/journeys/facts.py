"""What the rest of the company sees: an independent consumer of the facts, which knows nothing of Prism's tables."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import msgspec
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.cimpl import OFFSET_BEGINNING

from tests.databases import CHECKOUT

Event = dict[str, Any]


def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads((CHECKOUT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


BODY = _validator("communication_dispatch_events")
HEADERS = _validator("communication_dispatch_events.headers")
"""Every record that is read is held against what readers are promised."""


class Fact(msgspec.Struct, frozen=True):
    """One record of the topic, as it was published."""

    body: Event
    headers: dict[str, str]
    key: str
    partition: int
    offset: int

    @property
    def id(self) -> str:
        return self.headers["fact_id"]

    @property
    def dispatch_id(self) -> str:
        return self.headers["dispatch_id"]

    @property
    def version(self) -> int:
        return int(self.headers["version"])

    @property
    def status(self) -> str:
        return str(self.body["status"])

    @property
    def correlation_id(self) -> str:
        return str(self.body["correlation_id"])


class FactReader:
    """Reads a topic from its beginning, in no group; keeps everything it saw, repeats included."""

    def __init__(self, bootstrap: str, topic: str, explain: Callable[[], str]) -> None:
        """`explain` tells, after a failure, what the processes said."""
        self._explain = explain
        self.seen: list[Fact] = []
        self._topic = topic
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"{topic}.observer",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in self._partitions()])

    def wait_until(self, done: Callable[[list[Fact]], bool], seconds: float = 30.0) -> list[Fact]:
        """All facts so far, once they satisfy `done`. Raises with what was seen when time runs out."""
        deadline = time.monotonic() + seconds
        while not done(self.seen):
            self.read(0.1)
            if time.monotonic() > deadline and not done(self.seen):
                told = [(fact.correlation_id, fact.status, fact.headers.get("provider")) for fact in self.seen[-20:]]
                problem = f"after {seconds:.0f} s there are {len(self.seen)} facts, the last: {told}"
                raise AssertionError(f"{problem}\n{self._explain()}")
        return self.seen

    def wait_for(self, count: int, seconds: float = 30.0) -> list[Fact]:
        """The first `count` facts, or more if more are there."""
        return self.wait_until(lambda facts: len(facts) >= count, seconds)

    def wait_for_status(self, correlation_id: str, status: str, seconds: float = 30.0) -> Fact:
        def found(facts: list[Fact]) -> list[Fact]:
            return [fact for fact in facts if fact.correlation_id == correlation_id and fact.status == status]

        self.wait_until(lambda facts: bool(found(facts)), seconds)
        return found(self.seen)[-1]

    def read(self, seconds: float) -> None:
        """Whatever comes until nothing came for `seconds`."""
        while (message := self._consumer.poll(seconds)) is not None:
            error = message.error()
            if error is not None:
                if error.retriable() or error.code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                    continue
                raise AssertionError(f"the facts cannot be read: {error}")
            self.seen.append(_fact(message))

    def _partitions(self) -> list[int]:
        """A topic that was made a moment ago may be known to the broker without its partitions."""
        deadline = time.monotonic() + 30
        while True:
            topic = self._consumer.list_topics(self._topic, timeout=30).topics[self._topic]
            if topic.error is None and topic.partitions:
                return sorted(topic.partitions)
            assert time.monotonic() < deadline, f"{self._topic} has no partitions: {topic.error}"
            time.sleep(0.05)

    def close(self) -> None:
        self._consumer.close()


def _fact(message: Message) -> Fact:
    offset, partition, value = message.offset(), message.partition(), message.value()
    assert offset is not None and partition is not None and value is not None
    headers = {str(name): _text(content) for name, content in dict(message.headers() or []).items()}
    body = json.loads(value)
    for validator, document in ((BODY, body), (HEADERS, headers)):
        problems = [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(document)]
        assert not problems, f"this is no fact: {problems} in {document}"
    return Fact(body, headers, _text(message.key()), partition, offset)


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""
