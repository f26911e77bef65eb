"""What an operator decides about a stopped partition: send again what is between, or mark it unknown (decision 5).

Resend: go on from our own position (or from the first record that the topic still holds). The ledger tells repeats, as
far as the restored database remembers them; messages may be sent twice.
Mark unknown: write one rejection per record between our position and Kafka's, as far as the topic still holds them, and
go on behind them. Nothing is sent; a person may replay single ones.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator

import msgspec
import psycopg
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from django.utils.translation import gettext as _

from dispatching.triggers import Trigger
from ingestion import positions, reasons, rejections
from ingestion.batches import fault_of
from ingestion.intake import Intake
from ingestion.kafka import make_consumer, record_of, views_of
from ingestion.positions import Position
from ingestion.records import Fault, Record
from ingestion.witness import KafkaView

CHUNK = 500
TIMEOUT_S = 10.0
SILENCE_S = 30.0

_MOVE = """
UPDATE consumer_positions SET next_offset = %s, updated_at = now()
WHERE consumer_group = %s AND topic = %s AND partition = %s AND epoch = %s
"""
_CLEAR = """
UPDATE consumer_positions SET next_offset = %s, stopped_reason = '', accepted_lead = %s, updated_at = now()
WHERE consumer_group = %s AND topic = %s AND partition = %s AND epoch = %s
"""


class RecoveryError(Exception):
    """In words for the operator."""


class Span(msgspec.Struct, frozen=True):
    """What would be passed over: from `start` up to, not including, `end`."""

    start: int
    end: int


class Recovery:
    """Of one stopped partition. Takes it, so that whoever holds it now is fenced."""

    def __init__(self, connection: psycopg.Connection, *, group: str, topic: str, partition: int) -> None:
        self._connection = connection
        self._group, self._topic, self._partition = group, topic, partition
        self._place = {"group": group, "topic": topic, "partition": partition}

    def resend(self) -> int:
        """Go on from our position. Returns the offset that is consumed next."""
        position, view = self._take()
        start = position.next_offset if view.low <= position.next_offset <= view.high else view.low
        self._clear(position, start, view)
        return start

    def mark_unknown(self, progress: Callable[[int, int], None]) -> int:
        """Pass over everything between our position and Kafka's. Returns how many records were marked.

        May be stopped and started again: each chunk moves the position in its own transaction.
        """
        position, view = self._take()
        span = span_of(position, view)
        intake = Intake()
        intake.refresh(self._connection)
        marked = 0
        for records in self._chunks(span):
            with self._connection.transaction(), self._connection.cursor() as cursor:
                self._move(cursor, position, records[-1].offset + 1)
                rejections.write(cursor, [(record, _marker(intake.decode(record))) for record in records])
            marked += len(records)
            progress(marked, span.end - span.start)
        self._clear(position, span.end, view)
        return marked

    def _take(self) -> tuple[Position, KafkaView]:
        view = self._view()
        with self._connection.cursor() as cursor:
            before = positions.read(cursor, **self._place)  # type: ignore[arg-type]  # the three names above
            if before is None:
                raise RecoveryError(_("Nothing has ever been consumed of this partition by this group."))
            if not before.stopped_reason:
                raise RecoveryError(_("This partition is not stopped; there is nothing to recover."))
            return positions.take(cursor, **self._place, earliest=view.low), view  # type: ignore[arg-type]  # as above

    def _view(self) -> KafkaView:
        consumer = make_consumer(**{"group.id": self._group})
        key = (self._topic, self._partition)
        try:
            return views_of(consumer, [key], TIMEOUT_S)[key]
        except KafkaException as error:
            message = _("Kafka did not answer: %(error)s") % {"error": error.args[0].str()}
            raise RecoveryError(message) from error
        finally:
            consumer.close()

    def _chunks(self, span: Span) -> Iterator[list[Record]]:
        if span.start >= span.end:
            return
        # A group of its own: this reader is no member, and commits nothing.
        consumer = make_consumer(**{"group.id": f"{self._group}.recovery", "enable.partition.eof": True})
        try:
            consumer.assign([TopicPartition(self._topic, self._partition, span.start)])
            ended, heard = False, time.monotonic()
            while not ended:
                messages = consumer.consume(CHUNK, 1.0)
                heard = time.monotonic() if messages else heard
                if time.monotonic() - heard > SILENCE_S:
                    raise RecoveryError(_("Kafka gives no records. Run the command again: it goes on where it was."))
                now = dt.datetime.now(dt.UTC)
                records = [record_of(message, now) for message in messages if not _is_end(message)]
                ended = len(records) < len(messages) or any(record.offset >= span.end - 1 for record in records)
                if between := [record for record in records if record.offset < span.end]:
                    yield between
        finally:
            consumer.close()

    def _move(self, cursor: psycopg.Cursor, position: Position, offset: int) -> None:
        cursor.execute(_MOVE, [offset, self._group, self._topic, self._partition, position.epoch])
        self._check(cursor)

    def _clear(self, position: Position, offset: int, view: KafkaView) -> None:
        lead = view.committed if view.committed is not None and view.committed > offset else None
        with self._connection.cursor() as cursor:
            cursor.execute(_CLEAR, [offset, lead, self._group, self._topic, self._partition, position.epoch])
            self._check(cursor)

    @staticmethod
    def _check(cursor: psycopg.Cursor) -> None:
        if cursor.rowcount != 1:
            raise RecoveryError(_("Another process took this partition meanwhile. Run the command again."))


def span_of(position: Position, view: KafkaView) -> Span:
    """The records that nobody can say anything about, as far as the topic still holds them."""
    if position.next_offset > view.high:
        return Span(view.low, view.high)
    start = max(position.next_offset, view.low)
    return Span(start, min(max(view.committed or 0, start), view.high))


def _marker(decoded: Trigger | Fault) -> Fault:
    message = _("Marked as unknown when the position was recovered; it may have been sent before.")
    return fault_of(decoded, reasons.SKIPPED_IN_RECOVERY, "$", message)


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise RecoveryError(_("Kafka did not give the records: %(error)s") % {"error": error.str()})
