"""Makes Kafka topics that are not there yet."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic


def ensure_topics(bootstrap: str, partitions: Mapping[str, int], *, timeout: float = 30.0) -> list[str]:
    """Makes each missing topic (name -> partitions) and returns the new names; existing ones stay as they are."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    present = client.list_topics(timeout=timeout).topics
    wanted = [NewTopic(name, count, 1) for name, count in partitions.items() if name not in present]
    made = []
    for name, future in (client.create_topics(wanted, operation_timeout=timeout) if wanted else {}).items():
        try:
            future.result(timeout)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            made.append(name)
    return made
