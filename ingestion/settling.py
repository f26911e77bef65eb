"""Settle a batch: positions, ledger, plan and rejections in one transaction; and where one event makes the
transaction impossible, find that event by halving (decision 6).
"""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable, Sequence

import msgspec
import psycopg
import structlog

from dispatching.planning import Plan
from dispatching.triggers import Trigger
from ingestion import metrics, positions, reasons, rejections
from ingestion.batches import Batch, Counts, Held, Item, fault_of
from ingestion.positions import Move, Partition
from ingestion.transacting import Planning, is_fault_of_an_event, plan_and_commit

ALONE_IN_A_ROW = 20
"""So many events failing alone, and none between them going through: then it is our fault, not theirs."""

log = structlog.get_logger("prism.ingestion")


class FencedError(Exception):
    """Another process took these partitions (or an operator did): nothing of the transaction happened."""

    def __init__(self, partitions: Sequence[Partition]) -> None:
        super().__init__(str(partitions))
        self.partitions = list(partitions)


class OwnFaultError(Exception):
    """Event after event fails: whatever is wrong with them, it is ours to mend before we go on."""


class Settler:
    """Owned by the consuming thread. `held` is shared with the assignment, which this moves on after each commit."""

    def __init__(
        self,
        engine: Planning,
        group: str,
        held: dict[Partition, Held],
        committed: Callable[[Sequence[Move], Counts], None],
    ) -> None:
        self._engine = engine
        self._group = group
        self._held = held
        self._committed = committed
        self._alone_in_a_row = 0

    def settle(self, connection: psycopg.Connection, batch: Batch) -> None:
        """Every record of the batch becomes dispatches, a duplicate, or one rejection.

        Raises FencedError, DoubtfulCommitError, OwnFaultError, or the database's error where it is our fault: what was
        committed before that has moved `held`.
        """
        try:
            self._commit(connection, batch)
        except Exception as error:
            if not is_fault_of_an_event(connection, self._engine, error):
                raise
            self._break_the_row(error)
            if len(batch.items) > 1:
                for half in batch.halves():
                    self.settle(connection, half)
            else:
                self._reject_alone(connection, batch, error)

    def _commit(self, connection: psycopg.Connection, batch: Batch) -> None:
        moves, triggers = batch.moves(self._held), batch.triggers
        counts: list[Counts] = []

        def before(cursor: psycopg.Cursor) -> list[Trigger]:
            if missed := positions.move(cursor, group=self._group, moves=moves):
                raise FencedError(missed)
            return triggers

        def after(cursor: psycopg.Cursor, plan: Plan) -> None:
            rejections.write(cursor, batch.rejected(plan))
            counts.append(batch.counts(plan))

        def settled() -> None:
            for move in moves:
                self._held[move.topic, move.partition] = Held(move.epoch, move.next_offset)
            self._committed(moves, counts[0])

        plan_and_commit(
            connection,
            self._engine,
            dt.datetime.now(dt.UTC),
            before=before,
            after=after,
            is_there=lambda other: _are_there(other, self._group, moves),
            settled=settled,
        )
        if triggers:
            self._alone_in_a_row = 0

    def _break_the_row(self, error: Exception) -> None:
        """One more is tried after the pause that follows: even then nothing stands still for ever."""
        if self._alone_in_a_row >= ALONE_IN_A_ROW:
            self._alone_in_a_row -= 1
            raise OwnFaultError(kind_of(error)) from error

    def _reject_alone(self, connection: psycopg.Connection, batch: Batch, error: Exception) -> None:
        (item,) = batch.items
        code = reasons.UNSTORABLE if isinstance(error, psycopg.Error) else reasons.PLANNING_FAILED
        self._alone_in_a_row += 1
        metrics.BISECTED.labels(code=code).inc()
        log.error(
            "event_rejected_alone",
            result="failure",
            error=kind_of(error),
            metadata={
                "code": code,
                "topic": item.record.topic,
                "partition": item.record.partition,
                "offset": item.record.offset,
                "place": [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]],
            },
        )
        fault = fault_of(item.decoded, code, "$", describe(error))
        if isinstance(error, psycopg.errors.ForeignKeyViolation):
            # Its tenant is gone; the row may still be written for the operators.
            fault = msgspec.structs.replace(fault, tenant_id=None)
        self._commit(connection, Batch([Item(item.record, fault)], batch.received_at))


def _are_there(connection: psycopg.Connection, group: str, moves: Sequence[Move]) -> bool:
    with connection.cursor() as cursor:
        rows = [positions.read(cursor, group=group, topic=move.topic, partition=move.partition) for move in moves]
    return all(row and row.next_offset >= move.next_offset for row, move in zip(rows, moves, strict=True))


def kind_of(error: Exception) -> str:
    """For the log: without the values, which may be personal data."""
    state = f"{error.sqlstate} " if isinstance(error, psycopg.Error) else ""
    return f"{state}{type(error).__name__}"


def describe(error: Exception) -> str:
    """For the row, which holds the event itself."""
    message = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
    return f"{kind_of(error)}: {message}"
