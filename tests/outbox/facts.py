"""Facts for these tests: written by SQL as the product writes them, read back by an independent consumer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import msgspec
import psycopg
from confluent_kafka import Consumer, Message, TopicPartition

WRITE = """
INSERT INTO outbox_events (shard, topic, key, headers, payload)
SELECT hashtext(f.key) & 7, %(topic)s, f.key,
  jsonb_build_object('fact_id', f.fact_id, 'dispatch_id', f.fact_id, 'version', f.n, 'tenant', 'default',
    'provider', 'Gateway', 'label', null, 'schema_version', 1),
  json_build_object('key', f.key, 'n', f.n, 'filler', repeat('x', f.size))::text
FROM unnest(%(keys)s::text[], %(numbers)s::int[], %(ids)s::text[], %(sizes)s::int[])
  WITH ORDINALITY AS f (key, n, fact_id, size, at)
ORDER BY f.at RETURNING id
"""


class Written(NamedTuple):
    key: str
    n: int
    fact_id: str
    size: int = 0


def numbered(keys: Sequence[str], numbers: Iterable[int], *, size: int = 0) -> list[Written]:
    """For each number one fact of each key: within a key, later facts have higher numbers."""
    return [Written(key, n, str(uuid.uuid4()), size) for n in numbers for key in keys]


def write(connection: psycopg.Connection[Any], facts: Sequence[Written], *, topic: str = "dispatch") -> list[int]:
    """Insert in this order, in one statement; the rows' ids."""
    parameters = {
        "topic": topic,
        "keys": [fact.key for fact in facts],
        "numbers": [fact.n for fact in facts],
        "ids": [fact.fact_id for fact in facts],
        "sizes": [fact.size for fact in facts],
    }
    return [row[0] for row in connection.execute(WRITE, parameters).fetchall()]


def in_the_shard_of(connection: psycopg.Connection[Any], key: str, count: int) -> list[str]:
    """Other keys whose facts are read together with this one's."""
    statement = (
        "SELECT k FROM generate_series(1, 1000) n, LATERAL (SELECT %(key)s || '-' || n AS k) o"
        " WHERE hashtext(k) & 7 = hashtext(%(key)s) & 7 ORDER BY n LIMIT %(count)s"
    )
    return [row[0] for row in connection.execute(statement, {"key": key, "count": count}).fetchall()]


def waiting(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM outbox_events WHERE parked_at IS NULL").fetchone()
    return int(row[0]) if row else 0


def consume(bootstrap: str, topic: str, *, partitions: int = 1) -> list[Message]:
    """Everything that is in the topic now, in the order of each partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "looks-on", "enable.auto.commit": False})
    try:
        ends = {}
        for partition in range(partitions):
            _low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=20)
            ends[partition] = high
        consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
        return _read_to(consumer, ends)
    finally:
        consumer.close()


def _read_to(consumer: Consumer, ends: dict[int, int]) -> list[Message]:
    found: list[Message] = []
    missing = {partition for partition, end in ends.items() if end}
    deadline = time.monotonic() + 60
    while missing:
        assert time.monotonic() < deadline, f"the topic did not come to its end: {missing}"
        for message in consumer.consume(1000, 0.2):
            assert message.error() is None, message.error()
            found.append(message)
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            if offset + 1 >= ends[partition]:
                missing.discard(partition)
    return found


def body(message: Message) -> dict[str, Any]:
    value = message.value()
    assert value is not None
    decoded: dict[str, Any] = msgspec.json.decode(value)
    return decoded


def headers(message: Message) -> dict[str, str]:
    pairs = cast(list[tuple[str, bytes]], message.headers() or [])
    return {name: value.decode() for name, value in pairs}


def first_numbers(messages: Iterable[Message]) -> dict[str, list[int]]:
    """Per key, the numbers in the order in which each first appeared: what a consumer sees that drops repeated ids."""
    seen: set[str] = set()
    order: dict[str, list[int]] = {}
    for message in messages:
        fact_id = headers(message)["fact_id"]
        if fact_id not in seen:
            seen.add(fact_id)
            content = body(message)
            order.setdefault(content["key"], []).append(content["n"])
    return order
