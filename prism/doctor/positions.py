"""Whether every partition goes on, from where Kafka agrees that it may."""

from __future__ import annotations

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException
from django.conf import settings
from django.utils.translation import gettext as _

from ingestion.kafka import make_consumer, views_of
from ingestion.models import ConsumerPosition
from ingestion.positions import Partition, Position
from ingestion.witness import KafkaView, problem_of
from prism.doctor.findings import Finding
from prism.offsets import LIMIT_S

RETRY_S = 0.2
COORDINATOR_IS_MOVING = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)


def positions_hold() -> Iterator[Finding]:
    """The reason of a stopped partition, or what the witness would stop it for; the text names the command."""
    rows = list(
        ConsumerPosition.objects.filter(consumer_group=settings.KAFKA_CONSUMER_GROUP, next_offset__isnull=False)
    )
    if not rows:
        return
    consumer = make_consumer()
    try:
        views = _patiently(consumer, [(row.topic, row.partition) for row in rows])
    except KafkaException as error:
        yield Finding(
            _("Kafka does not tell its offsets: %(error)s") % {"error": error.args[0].str()},
            _("See that the brokers are up and that the topics of the positions still exist."),
        )
        return
    finally:
        consumer.close()
    for row in rows:
        problem = problem_of(position_of(row), views[row.topic, row.partition])
        if problem:
            yield Finding(
                f"{row.topic}[{row.partition}]: {problem}",
                _("manage.py recover_position lists what is stopped and lets it go on."),
            )


def _patiently(consumer: Consumer, partitions: list[Partition]) -> dict[Partition, KafkaView]:
    """A group's coordinator may be loading or moving for a moment; that is no trouble to report."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            return views_of(consumer, partitions, LIMIT_S)
        except KafkaException as error:
            if error.args[0].code() not in COORDINATOR_IS_MOVING or time.monotonic() >= until:
                raise
            time.sleep(RETRY_S)


def position_of(row: ConsumerPosition) -> Position:
    assert row.next_offset is not None
    return Position(
        epoch=row.epoch,
        next_offset=row.next_offset,
        stopped_reason=row.stopped_reason,
        accepted_lead=row.accepted_lead,
    )
