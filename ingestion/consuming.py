"""The consuming loop: poll, decode, settle, tell Kafka. One thread, one database connection, no state that matters.

Whatever goes wrong on our side (the database is away, a partition is missing), it fetches nothing, keeps its group
membership, tells, and tries again from the stored positions.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec
import psycopg
import structlog
from confluent_kafka import Consumer, KafkaError, Message
from django.conf import settings
from django.utils.translation import gettext as _

from ingestion import metrics
from ingestion.assigning import Assignment
from ingestion.batches import PLANNED, Batch, Counts, Item
from ingestion.intake import Intake
from ingestion.kafka import make_consumer, record_of, trigger_topics
from ingestion.positions import Move, Partition
from ingestion.replaying import Replayer
from ingestion.settling import FencedError, OwnFaultError, Settler
from ingestion.transacting import Doubt, DoubtfulCommitError, Planning, was_committed

POLL_S = 0.1
ROOM_S = 1.0
TICK_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
SOUND_S = 2.0
"""So long after a pause without new trouble, all is well, also where no event came."""

log = structlog.get_logger("prism.ingestion")


class EngineFailedError(Exception):
    """A thread of the delivery engine died: the process has to end, and nothing is lost by that."""


class Limits(msgspec.Struct, frozen=True):
    """When to stop by itself; None is never."""

    batch_size: int = 500
    max_events: int | None = None
    idle_exit: float | None = None


class TriggerConsumer:
    """Run it in the thread that made it. `counts` tells the outcomes of everything that was committed."""

    def __init__(self, engine: Planning, connect: Callable[[], psycopg.Connection], limits: Limits) -> None:
        self._engine = engine
        self._connect = connect
        self._limits = limits
        self._connection: psycopg.Connection | None = None
        self._consumer: Consumer = make_consumer()
        group = settings.KAFKA_CONSUMER_GROUP
        self._assignment = Assignment(
            self._consumer, group=group, retake_after=settings.KAFKA_SESSION_TIMEOUT_MS / 2000
        )
        self._settler = Settler(engine, group, self._assignment.held, self._committed)
        self._intake = Intake()
        self._replayer = Replayer(engine, self._intake)
        self._doubt: Doubt | None = None
        self._back_off = 0.0
        self._trouble_at = 0.0
        self._last_event = time.monotonic()
        self._next_tick = 0.0
        self.counts: Counts = Counter()
        self.stopped: dict[Partition, str] = {}
        """Once `run` has ended: partitions that wait for an operator, and why."""

    @property
    def partitions(self) -> list[Partition]:
        """What this process consumes now."""
        return sorted(self._assignment.held)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop, or until a limit is reached. Raises EngineFailedError."""
        self._assignment.subscribe(trigger_topics())
        try:
            while not (stop.is_set() or self._is_done()):
                try:
                    self._step()
                except (psycopg.Error, DoubtfulCommitError, OwnFaultError) as error:
                    self._pause(error, stop)
            self._end_doubt()
        finally:
            self.stopped = dict(self._assignment.stopped)
            self._consumer.close()
            if self._connection is not None:
                self._connection.close()

    def _is_done(self) -> bool:
        if self._engine.failed is not None:
            raise EngineFailedError(repr(self._engine.failed)) from self._engine.failed
        limits = self._limits
        if limits.max_events is not None and self.counts.total() >= limits.max_events:
            return True
        return limits.idle_exit is not None and time.monotonic() - self._last_event >= limits.idle_exit

    def _step(self) -> None:
        connection = self._open()
        self._resolve_doubt(connection)
        self._assignment.settle(connection)
        self._tick(connection)
        self._engine.wait_for_room(ROOM_S)
        messages = self._collect(connection)
        if messages:
            self._last_event = time.monotonic()
            self._settle(connection, messages)
        if self._back_off and time.monotonic() - self._trouble_at > self._back_off + SOUND_S:
            self._recovered()

    def _collect(self, connection: psycopg.Connection) -> list[Message]:
        """Block for the first message only; `consume(n, t)` would wait its whole time for a full batch."""
        first = self._consumer.poll(POLL_S)
        if first is None:
            return []
        wanted = self._limits.batch_size
        if self._limits.max_events is not None:
            wanted = min(wanted, self._limits.max_events - self.counts.total())
        fetched = [first, *self._consumer.consume(wanted - 1, 0)] if wanted > 1 else [first]
        messages = [message for message in fetched if self._is_record(connection, message)]
        # A rebalance in the middle: nobody knows which of these came before it. They are fetched again.
        return [] if self._assignment.changed else messages

    def _is_record(self, connection: psycopg.Connection, message: Message) -> bool:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        error = message.error()
        if error is None:
            assert topic is not None and partition is not None and offset is not None
            return not self._assignment.refetch_needed((topic, partition), offset)
        if error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None and partition is not None:
            reason = _(
                "The topic no longer holds offset %(offset)d. Run manage.py recover_position --resend to go on with the"
                " first one that is left."
            )
            self._assignment.stop(connection, (topic, partition), reason % {"offset": offset or 0})
        elif error.fatal():
            raise EngineFailedError(error.str())
        else:
            log.warning("kafka_trouble", result="failure", error=error.str(), metadata={"topic": topic})
        return False

    def _settle(self, connection: psycopg.Connection, messages: Sequence[Message]) -> None:
        now = dt.datetime.now(dt.UTC)
        started = time.monotonic()
        self._intake.refresh(connection)
        records = [record_of(message, now) for message in messages]
        batch = Batch([Item(record, self._intake.decode(record)) for record in records], now)
        try:
            self._settler.settle(connection, batch)
        except FencedError as error:
            metrics.FENCED.inc()
            self._assignment.lose(error.partitions)
            return
        metrics.BATCH_SIZE.observe(len(records))
        metrics.BATCH_SECONDS.observe(time.monotonic() - started)

    def _committed(self, moves: Sequence[Move], counts: Counts) -> None:
        if counts[PLANNED, ""]:
            self._recovered()
        self._assignment.commit_witness(moves)
        self.counts += counts
        for (outcome, code), count in counts.items():
            metrics.TRIGGERS.labels(outcome=outcome, code=code).inc(count)
        refused = {code: count for (_outcome, code), count in counts.items() if code}
        if refused:
            log.warning(
                "triggers_rejected",
                result="failure",
                metadata={"codes": refused, "partitions": [[move.topic, move.partition] for move in moves]},
            )

    def _tick(self, connection: psycopg.Connection) -> None:
        """Once a second: replays that people asked for, and how far behind we are."""
        if time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + TICK_S
        if self._replayer.replay(connection):
            self._last_event = time.monotonic()
            self._next_tick = 0.0
        self._assignment.show_lag()

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _resolve_doubt(self, connection: psycopg.Connection) -> None:
        if self._doubt is None:
            return
        committed = was_committed(connection, self._doubt)
        if committed is None:
            raise DoubtfulCommitError(self._doubt)
        doubt, self._doubt = self._doubt, None
        log.info("doubt_resolved", result="success" if committed else "failure")
        if committed:
            doubt.settled()
            self._engine.accept(doubt.plan)
        else:
            self._engine.abandon(doubt.plan)

    def _end_doubt(self) -> None:
        """Leaving with a plan in doubt would leave its messages to the reaper, who can only call them unknown."""
        until = time.monotonic() + LONGEST_PAUSE_S
        while self._doubt is not None:
            try:
                self._resolve_doubt(self._open())
            except (psycopg.Error, DoubtfulCommitError) as error:
                if time.monotonic() > until:
                    raise EngineFailedError(str(error)) from error
                time.sleep(FIRST_PAUSE_S)

    def _pause(self, error: Exception, stop: threading.Event) -> None:
        """Fetch nothing for a while, but poll, so that the group keeps us."""
        if isinstance(error, DoubtfulCommitError):
            self._doubt = error.doubt
        self._back_off = min(LONGEST_PAUSE_S, self._back_off * 2 or FIRST_PAUSE_S)
        kind = type(error.__cause__ or error).__name__
        metrics.TROUBLE.labels(error=kind).inc()
        metrics.PAUSED.set(1)
        state = getattr(error, "sqlstate", None)
        log.error(
            "consuming_paused", result="failure", error=kind, metadata={"sqlstate": state, "seconds": self._back_off}
        )
        if self._connection is not None and self._connection.broken:
            self._connection.close()
        self._assignment.suspend()
        self._assignment.changed = True
        self._trouble_at = time.monotonic()
        until = self._trouble_at + self._back_off
        while time.monotonic() < until and not stop.is_set() and self._engine.failed is None:
            self._consumer.poll(POLL_S)

    def _recovered(self) -> None:
        """A batch went through, or nothing was wrong for a while."""
        if self._back_off:
            self._back_off = 0.0
            log.info("consuming_resumed", result="success")
            metrics.PAUSED.set(0)
