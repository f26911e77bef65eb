"""Which of Kafka's errors are about the fact itself. Everything else is about the broker, and passes."""

from __future__ import annotations

from confluent_kafka import KafkaError
from django.utils.translation import gettext_lazy as _

FOR_GOOD: dict[int, str] = {
    KafkaError.MSG_SIZE_TOO_LARGE: "MSG_SIZE_TOO_LARGE",
    KafkaError.RECORD_LIST_TOO_LARGE: "RECORD_LIST_TOO_LARGE",
    KafkaError.INVALID_MSG_SIZE: "INVALID_MSG_SIZE",
    KafkaError.INVALID_RECORD: "INVALID_RECORD",
    KafkaError.INVALID_TIMESTAMP: "INVALID_TIMESTAMP",
}
"""The broker will say so every time. It refuses whole batches, so it is believed about a fact that was sent alone."""

UNKNOWN_TOPIC_NAME = "UNKNOWN_TOPIC_NAME"
HEADERS_NOT_TEXT = "HEADERS_NOT_TEXT"

EXPLANATIONS = {
    "MSG_SIZE_TOO_LARGE": _("Larger than the topic's max.message.bytes. Raise it there, then retry the fact."),
    "RECORD_LIST_TOO_LARGE": _("Larger than the topic's segment.bytes. Raise it there, then retry the fact."),
    "INVALID_MSG_SIZE": _("The broker could not read the size of the record. Look into the broker's log."),
    "INVALID_RECORD": _("The broker's rules for this topic refuse the record. Look into the broker's log."),
    "INVALID_TIMESTAMP": _("Outside the topic's message.timestamp limits. Check the clocks, then retry the fact."),
    UNKNOWN_TOPIC_NAME: _("This relay knows no such topic. Update the relays, then retry the fact."),
    HEADERS_NOT_TEXT: _("Its headers are not a flat object of text and numbers. This is a defect of the writer."),
}
"""What each `problem` of a parked fact means, for the admin and the documents."""


class RefusedError(Exception):
    """This fact can never be published as it is; the argument is one of EXPLANATIONS."""

    @property
    def problem(self) -> str:
        return str(self.args[0])
