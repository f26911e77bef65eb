"""What Kafka says of its topics: the end of each partition, and which topics there are."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # named in its __init__ only
from django.conf import settings

LIMIT_S = 3.0
RETRY_S = 0.1

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
    """(topic, partition) → offset of the next record that will be written; partitions that are gone are left out.

    What fails is asked again for a moment: a leader being elected or a connection that went idle is no outage.
    """
    wanted = set(partitions)
    found: dict[tuple[str, int], int] = {}
    until = time.monotonic() + LIMIT_S
    while wanted:
        unsettled = _ask(wanted, found)
        if unsettled and time.monotonic() >= until:
            raise OffsetsUnavailableError(next(iter(unsettled.values())))
        wanted = set(unsettled)
        if wanted:
            time.sleep(RETRY_S)
    return found


def _ask(wanted: set[tuple[str, int]], found: dict[tuple[str, int], int]) -> dict[tuple[str, int], str]:
    """One request. Fills `found`; returns the partitions to ask again, each with why."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library types half of itself
    futures = admin_client().list_offsets({TopicPartition(*each): latest for each in wanted}, request_timeout=LIMIT_S)
    unsettled: dict[tuple[str, int], str] = {}
    for partition, future in futures.items():
        place = (partition.topic, partition.partition)
        try:
            found[place] = future.result(timeout=2 * LIMIT_S).offset
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                unsettled[place] = error.args[0].str()
        except TimeoutError as error:
            raise OffsetsUnavailableError("no answer in time") from error
    return unsettled


def topics_of_cluster() -> dict[str, int]:
    """Topic → number of partitions."""
    try:
        metadata = admin_client().list_topics(timeout=LIMIT_S)
    except KafkaException as error:
        raise OffsetsUnavailableError(error.args[0].str() if error.args else str(error)) from error
    return {name: len(topic.partitions) for name, topic in metadata.topics.items()}
