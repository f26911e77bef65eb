"""Topics of one round: made with the broker's own timestamps, filled beforehand, counted by an independent consumer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.events import PARTITIONS

TIMEOUT = 30.0
TOLD_EVERY = 4.0
NOT_YET = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,
}


class Fact(msgspec.Struct):
    """What is read of communication_dispatch_events here."""

    correlation_id: str
    status: str


class Trigger(msgspec.Struct):
    """What is read of campaign_triggers here."""

    correlation_id: str


@dataclass(frozen=True)
class Count:
    """Facts as the consumer saw them; times are the broker's, in seconds since 1970."""

    facts: int
    distinct: int
    statuses: dict[str, int]
    last: float
    by_correlation_id: dict[str, float]


def administrator(bootstrap: str) -> AdminClient:
    # 5 is "notice": what it says when it is thrown away is no news.
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 5})


def make(bootstrap: str, *names: str) -> None:
    config = {"message.timestamp.type": "LogAppendTime"}
    topics = [NewTopic(name, PARTITIONS, 1, config=config) for name in names]
    client = administrator(bootstrap)
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
    client = administrator(bootstrap)
    for future in client.delete_topics(list(names)).values():
        try:
            future.result(TIMEOUT)
        except KafkaException as error:
            print(f"topic left behind: {error}")


def producer(bootstrap: str, *, linger_ms: int = 20) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": linger_ms,
            "compression.type": "lz4",
            "log_level": 5,
        }
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


def held_by(consumer: Consumer, topic: str) -> int:
    """How many records the topic holds. A broker that is still making the topic is asked again."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return sum(
                consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT)[1]
                for number in range(PARTITIONS)
            )
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Watermark:
    """Watches a topic fill: a few small requests each quarter of a second, cheap while a round runs."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"watch-{uuid.uuid4()}"})
        self._topic = topic

    def read(self) -> int:
        return held_by(self._consumer, self._topic)

    def wait(self, wanted: int, seconds: float, tell: Callable[[int], None], *, alive: Callable[[], None]) -> None:
        """Until the topic holds `wanted` records. Raises TimeoutError after `seconds` without progress."""
        seen, since, told = 0, time.monotonic(), time.monotonic()
        while True:
            alive()
            now = self.read()
            if now >= wanted:
                return
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > seconds:
                raise TimeoutError(f"{self._topic} stays at {now} of {wanted} records")
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                tell(now)
            time.sleep(0.25)

    def close(self) -> None:
        self._consumer.close()


def count_facts(bootstrap: str, topic: str) -> Count:
    """Count facts by their `fact_id` header, as a stranger would who reads the topic from its start."""
    identities: set[str | bytes | None] = set()
    statuses: dict[str, int] = {}
    times: dict[str, float] = {}
    decode = msgspec.json.Decoder(Fact).decode
    facts = 0
    for record in read_all(bootstrap, topic):
        facts += 1
        fact = decode(record.value() or b"")
        identities.add(dict(record.headers() or ())["fact_id"])
        statuses[fact.status] = statuses.get(fact.status, 0) + 1
        # The first record is what a reader acts on; a relay that was killed may send a fact again.
        times.setdefault(fact.correlation_id, record.timestamp()[1] / 1000)
    return Count(facts, len(identities), statuses, max(times.values(), default=0.0), times)


def read_times(bootstrap: str, topic: str) -> dict[str, float]:
    """Broker timestamp of each trigger by its correlation id, in seconds."""
    decode = msgspec.json.Decoder(Trigger).decode
    return {
        decode(record.value() or b"").correlation_id: record.timestamp()[1] / 1000
        for record in read_all(bootstrap, topic)
    }


def read_all(bootstrap: str, topic: str) -> Iterator[Message]:
    """Every record that the topic holds now."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"read-{uuid.uuid4()}", "enable.auto.commit": False}
    )
    try:
        partitions = [TopicPartition(topic, number, 0) for number in range(PARTITIONS)]
        total = held_by(consumer, topic)
        consumer.assign(partitions)
        seen = 0
        while seen < total:
            records = consumer.consume(min(10_000, total - seen), 2.0)
            if not records:
                raise TimeoutError(f"{topic}: {seen} of {total} records could be read")
            for record in records:
                if error := record.error():
                    raise KafkaException(error)
                seen += 1
                yield record
    finally:
        consumer.close()
