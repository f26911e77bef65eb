"""Whether every partition goes on, from where Kafka agrees that it may."""

from __future__ import annotations

from collections.abc import Iterator

from confluent_kafka import KafkaException
from django.conf import settings
from django.utils.translation import gettext as _

from ingestion.kafka import make_consumer, views_of
from ingestion.models import ConsumerPosition
from ingestion.positions import Position
from ingestion.witness import problem_of
from prism.doctor.findings import Finding
from prism.offsets import LIMIT_S


def positions_hold() -> Iterator[Finding]:
    """The reason of a stopped partition, or what the witness would stop it for; the text names the command."""
    rows = list(
        ConsumerPosition.objects.filter(consumer_group=settings.KAFKA_CONSUMER_GROUP, next_offset__isnull=False)
    )
    if not rows:
        return
    consumer = make_consumer()
    try:
        views = views_of(consumer, [(row.topic, row.partition) for row in rows], LIMIT_S)
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


def position_of(row: ConsumerPosition) -> Position:
    assert row.next_offset is not None
    return Position(
        epoch=row.epoch,
        next_offset=row.next_offset,
        stopped_reason=row.stopped_reason,
        accepted_lead=row.accepted_lead,
    )
