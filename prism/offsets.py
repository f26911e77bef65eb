"""What Kafka says of its topics: the end of each partition, and which topics there are."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # named in its __init__ only
from django.conf import settings

LIMIT_S = 3.0

_lock = threading.Lock()
_clients: dict[tuple[int, str], AdminClient] = {}


class OffsetsUnavailableError(Exception):
    """Kafka did not answer in time; the text says how it failed."""


def admin_client() -> AdminClient:
    """One per process (never one that was made before a fork) and address."""
    key = (os.getpid(), settings.KAFKA_BOOTSTRAP_SERVERS)
    with _lock:
        client = _clients.get(key)
        if client is None:
            client = _clients[key] = AdminClient(
                {
                    "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
                    "client.id": "prism-admin",
                    "socket.connection.setup.timeout.ms": int(LIMIT_S * 1000),
                    "log_level": 0,
                    **settings.KAFKA_EXTRA_CONFIG,
                }
            )
        return client


def end_offsets(partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """(topic, partition) → offset of the next record that will be written; partitions that are gone are left out."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library types half of itself
    wanted = {TopicPartition(topic, number): latest for topic, number in partitions}
    found: dict[tuple[str, int], int] = {}
    futures = admin_client().list_offsets(wanted, request_timeout=LIMIT_S) if wanted else {}
    for partition, future in futures.items():
        try:
            found[partition.topic, partition.partition] = future.result(timeout=2 * LIMIT_S).offset
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise OffsetsUnavailableError(error.args[0].str()) from error
        except TimeoutError as error:
            raise OffsetsUnavailableError("no answer in time") from error
    return found


def topics_of_cluster() -> dict[str, int]:
    """Topic → number of partitions."""
    try:
        metadata = admin_client().list_topics(timeout=LIMIT_S)
    except KafkaException as error:
        raise OffsetsUnavailableError(error.args[0].str() if error.args else str(error)) from error
    return {name: len(topic.partitions) for name, topic in metadata.topics.items()}
