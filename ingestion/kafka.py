"""Kafka, as this room uses it: consumer settings, and records made of messages."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, Message, TopicPartition
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ingestion.positions import Partition
from ingestion.records import Headers, Record
from ingestion.witness import KafkaView

FIXED: dict[str, Any] = {
    "group.protocol": "classic",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Where to start is the database's to say; a position that Kafka no longer holds stops the partition.
    "auto.offset.reset": "error",
    "enable.partition.eof": False,
}
"""What exactly-once planning stands on: KAFKA_EXTRA_CONFIG may not change it."""

DEFAULTS: dict[str, Any] = {
    "client.id": "prism-consumer",
    "partition.assignment.strategy": "roundrobin",
    # Bounds what waits in memory; the short back-off refills it before a busy planner runs dry.
    "queued.max.messages.kbytes": 16_384,
    # Compressed, per partition and fetch: a whole fetch is held unpacked, past the bound above (40 MB less [run]).
    # A larger single record is fetched all the same.
    "max.partition.fetch.bytes": 65_536,
    "queued.min.messages": 5_000,
    "fetch.queue.backoff.ms": 20,
    "reconnect.backoff.max.ms": 2_000,
    # How soon a topic or partition is noticed that was made after the start.
    "topic.metadata.refresh.interval.ms": 10_000,
}
_LAST_SECOND = 7_258_118_400
"""The year 2200: a record's time beyond it says that the producer's clock is wrong, and nothing else."""

librdkafka_log = logging.getLogger("prism.ingestion.librdkafka")
log = structlog.get_logger("prism.ingestion")


def trigger_topics() -> list[str]:
    return [settings.KAFKA_TRIGGERS_TOPIC, *sorted(settings.KAFKA_TRIGGER_TOPIC_TENANTS)]


def consumer_config(**changes: Any) -> dict[str, Any]:
    """Defaults, then KAFKA_EXTRA_CONFIG, then what may not be changed. Raises ImproperlyConfigured on a conflict."""
    extra: Mapping[str, Any] = settings.KAFKA_EXTRA_CONFIG
    for name, value in FIXED.items():
        if name in extra and str(extra[name]).lower() != str(value).lower():
            raise ImproperlyConfigured(
                f"KAFKA_EXTRA_CONFIG: {name} is {extra[name]!r}. Leave it out: only {value!r} plans every event once"
            )
    session = settings.KAFKA_SESSION_TIMEOUT_MS
    return {
        "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
        "group.id": settings.KAFKA_CONSUMER_GROUP,
        "session.timeout.ms": session,
        "heartbeat.interval.ms": max(300, session // 3),
        **DEFAULTS,
        **extra,
        **FIXED,
        "error_cb": _tell,
        **changes,
    }


def make_consumer(**changes: Any) -> Consumer:
    return Consumer(consumer_config(**changes), logger=librdkafka_log)


def views_of(consumer: Consumer, partitions: Sequence[Partition], timeout: float) -> dict[Partition, KafkaView]:
    """What Kafka knows of each partition. Raises KafkaException when it does not answer."""
    views = {}
    for answer in consumer.committed([TopicPartition(*partition) for partition in partitions], timeout=timeout):
        if answer.error:
            raise KafkaException(answer.error)
        low, high = consumer.get_watermark_offsets(answer, timeout=timeout)
        committed = answer.offset if answer.offset >= 0 else None
        views[answer.topic, answer.partition] = KafkaView(committed, low, high)
    return views


def record_of(message: Message, received_at: dt.datetime) -> Record:
    """A consumed message as this room knows it."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None and partition is not None and offset is not None
    kind, milliseconds = message.timestamp()
    known = kind != TIMESTAMP_NOT_AVAILABLE and 0 <= milliseconds < _LAST_SECOND * 1000
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        value=message.value(),
        headers=_headers(message),
        record_at=dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC) if known else None,
        received_at=received_at,
    )


def _headers(message: Message) -> Headers:
    # Consumed headers are a list of (name, bytes); the type of the library covers produced ones as well.
    found: Any = message.headers()
    return list(found) if found else []


def _tell(error: KafkaError) -> None:
    log.warning("kafka_trouble", result="failure", error=error.str(), metadata={"code": error.name()})
