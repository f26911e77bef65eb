"""Topics of one round: made with the broker's own timestamps, filled beforehand, counted by an independent consumer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.events import PARTITIONS

TIMEOUT = 30.0


class Fact(msgspec.Struct):
    """What is read of communication_dispatch_events here."""

    correlation_id: str
    status: str


@dataclass(frozen=True)
class Count:
    """Facts as the consumer saw them. `first`, `last` and `times` are broker timestamps in seconds."""

    facts: int
    distinct: int
    statuses: dict[str, int]
    first: float
    last: float
    times: dict[str | bytes, float]


def make(bootstrap: str, *names: str) -> None:
    config = {"message.timestamp.type": "LogAppendTime"}
    topics = [NewTopic(name, PARTITIONS, 1, config=config) for name in names]
    client = AdminClient({"bootstrap.servers": bootstrap})
    for future in client.create_topics(topics).values():
        future.result(TIMEOUT)
    _wait_for_leaders(client, names)


def _wait_for_leaders(client: AdminClient, names: Iterable[str]) -> None:
    """A new topic is known before its partitions have leaders; clients would log errors about it."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        known = client.list_topics(timeout=TIMEOUT).topics
        if all(name in known and all(p.leader >= 0 for p in known[name].partitions.values()) for name in names):
            return
        time.sleep(0.05)
    raise TimeoutError(f"no leaders for {', '.join(names)}")


def remove(bootstrap: str, *names: str) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap})
    for future in client.delete_topics(list(names)).values():
        try:
            future.result(TIMEOUT)
        except KafkaException as error:
            print(f"topic left behind: {error}")


def producer(bootstrap: str, *, linger_ms: int = 20) -> Producer:
    return Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": linger_ms, "compression.type": "lz4"}
    )


def fill(bootstrap: str, topic: str, values: Iterable[bytes]) -> None:
    """Produce everything, evenly over the partitions, and wait until the broker has it."""
    client = producer(bootstrap)
    for number, value in enumerate(values):
        while True:
            try:
                client.produce(topic, value, partition=number % PARTITIONS)
                break
            except BufferError:
                client.poll(0.05)
    if left := client.flush(TIMEOUT):
        raise TimeoutError(f"{left} events were not acknowledged")


class Watermark:
    """How many records a topic holds: a few small requests, cheap enough to ask while a round runs."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"watch-{uuid.uuid4()}"})
        self._topic = topic

    def read(self) -> int:
        partitions = (TopicPartition(self._topic, number) for number in range(PARTITIONS))
        return sum(self._consumer.get_watermark_offsets(p, timeout=TIMEOUT)[1] for p in partitions)

    def wait(self, wanted: int, seconds: float, tell: Callable[[int], None], *, alive: Callable[[], None]) -> None:
        """Until the topic holds `wanted` records. Raises TimeoutError after `seconds` without progress."""
        seen, since = -1, time.monotonic()
        while True:
            alive()
            now = self.read()
            if now >= wanted:
                return
            if now != seen:
                seen, since = now, time.monotonic()
                tell(now)
            elif time.monotonic() - since > seconds:
                raise TimeoutError(f"{self._topic} stays at {now} of {wanted} records")
            time.sleep(0.25)

    def close(self) -> None:
        self._consumer.close()


def count_facts(bootstrap: str, topic: str) -> Count:
    """Read the whole topic from its start, as a stranger would, and count facts by their `fact_id`."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"count-{uuid.uuid4()}", "enable.auto.commit": False}
    )
    partitions = [TopicPartition(topic, number, 0) for number in range(PARTITIONS)]
    total = sum(consumer.get_watermark_offsets(p, timeout=TIMEOUT)[1] for p in partitions)
    consumer.assign(partitions)
    times: dict[str | bytes, float] = {}
    statuses: dict[str, int] = {}
    seen, decode = 0, msgspec.json.Decoder(Fact).decode
    while seen < total:
        records = consumer.consume(min(10_000, total - seen), TIMEOUT)
        if not records:
            raise TimeoutError(f"{topic}: {seen} of {total} facts could be read")
        for record in records:
            if record.error():
                raise KafkaException(record.error())
            seen += 1
            fact = decode(record.value() or b"")
            # The first record of a fact is what a reader acts on; a relay that was killed may send it again.
            times.setdefault(dict(record.headers() or ())["fact_id"] or "", record.timestamp()[1] / 1000)
            statuses[fact.status] = statuses.get(fact.status, 0) + 1
    consumer.close()
    moments = times.values()
    return Count(seen, len(times), statuses, min(moments, default=0.0), max(moments, default=0.0), times)
