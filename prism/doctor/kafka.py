"""Kafka answers, and has the topics."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from ingestion.kafka import trigger_topics
from prism.doctor.findings import Finding
from prism.offsets import OffsetsUnavailableError, topics_of_cluster


def kafka_answers() -> Iterator[Finding]:
    try:
        topics_of_cluster()
    except OffsetsUnavailableError as error:
        yield Finding(
            _("Kafka at %(servers)s does not answer: %(error)s")
            % {"servers": settings.KAFKA_BOOTSTRAP_SERVERS, "error": str(error)},
            _("Start it, or correct KAFKA_BOOTSTRAP_SERVERS and KAFKA_EXTRA_CONFIG (TLS, SASL)."),
        )


def topics_exist() -> Iterator[Finding]:
    present = topics_of_cluster()
    for topic in [*trigger_topics(), settings.KAFKA_DISPATCH_EVENTS_TOPIC]:
        if topic not in present:
            yield Finding(
                _("The topic %(topic)s does not exist.") % {"topic": topic},
                _("Create it: kafka-topics.sh --create --topic %(topic)s --partitions 8 --bootstrap-server …")
                % {"topic": topic},
            )
