"""Dead letters decided again, because a person asked: decoded, planned through the ledger, told.

Any number of processes may do it at once: each locks the rows that it takes, and passes over locked ones.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
import structlog
from django.utils.translation import gettext as _

from dispatching.planning import Plan
from dispatching.triggers import Trigger
from ingestion import metrics, reasons
from ingestion.batches import fault_of
from ingestion.intake import Intake
from ingestion.models import RejectedState
from ingestion.records import Fault, Record
from ingestion.rejections import headers_of
from ingestion.settling import describe, kind_of
from ingestion.transacting import Planning, is_fault_of_an_event, plan_and_commit

LIMIT = 100
OPEN, REPLAYED = RejectedState.OPEN.value, RejectedState.REPLAYED.value
_ASKED = "SELECT EXISTS (SELECT 1 FROM rejected_triggers WHERE state = 'replay_requested')"
_CLAIM = """
SELECT id, topic, partition, "offset", record_at, headers, raw, raw_size FROM rejected_triggers
WHERE state = 'replay_requested' AND (%(only)s::uuid IS NULL OR id = %(only)s)
ORDER BY created_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_END = """
UPDATE rejected_triggers r SET state = e.state, state_changed_at = now(), code = COALESCE(e.code, r.code),
  path = COALESCE(e.path, r.path), message = e.message, tenant_id = COALESCE(e.tenant_id, r.tenant_id),
  journey_name = COALESCE(NULLIF(e.journey_name, ''), r.journey_name),
  correlation_id = COALESCE(NULLIF(e.correlation_id, ''), r.correlation_id)
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
  AS e (id, state, code, path, message, tenant_id, journey_name, correlation_id)
WHERE r.id = e.id
"""
_STILL_ASKED = "SELECT count(*) FROM rejected_triggers WHERE id = ANY(%s) AND state = 'replay_requested'"

_ASK = """
UPDATE rejected_triggers SET state = 'replay_requested', state_changed_at = now(), state_changed_by = %(by)s
WHERE state = 'open' AND (%(code)s::text IS NULL OR code = %(code)s)
  AND (%(journey)s::text IS NULL OR journey_name = %(journey)s) AND (%(only)s::uuid IS NULL OR id = %(only)s)
  AND octet_length(raw) = raw_size
"""
ROOM_S = 1.0

log = structlog.get_logger("prism.ingestion")


class End(msgspec.Struct, frozen=True):
    """What becomes of a dead letter: replayed, or open again with a (new) reason. None keeps what it had."""

    id: uuid.UUID
    state: str
    message: str
    code: str | None = None
    path: str | None = None
    tenant_id: int | None = None
    journey_name: str | None = None
    correlation_id: str | None = None


class Replayer:
    """Owned by the thread of its connection."""

    def __init__(self, engine: Planning, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake

    def replay(self, connection: psycopg.Connection, *, limit: int = LIMIT) -> int:
        """Decide up to `limit` of those asked for. Returns how many this process took.

        Raises DoubtfulCommitError, or the database's error where it is ours; then they stay asked for.
        """
        row = connection.execute(_ASKED).fetchone()
        if not (row and row[0]):
            return 0
        self._intake.refresh(connection)
        claimed: list[uuid.UUID] = []
        try:
            self._replay(connection, claimed, limit=limit)
        except Exception as error:
            if not is_fault_of_an_event(connection, self._engine, error):
                raise
            for only in claimed:
                self._replay_alone(connection, only)
        return len(claimed)

    def _replay_alone(self, connection: psycopg.Connection, only: uuid.UUID) -> None:
        try:
            self._replay(connection, [], limit=1, only=only)
        except Exception as error:
            if not is_fault_of_an_event(connection, self._engine, error):
                raise
            log.error("event_rejected_alone", result="failure", error=kind_of(error), metadata={"id": str(only)})  # noqa: TRY400  (the traceback may hold personal data)
            code = reasons.UNSTORABLE if isinstance(error, psycopg.Error) else reasons.PLANNING_FAILED
            with connection.transaction(), connection.cursor() as cursor:
                _write(cursor, [End(only, OPEN, describe(error), code, "$")])

    def _replay(
        self, connection: psycopg.Connection, claimed: list[uuid.UUID], *, limit: int, only: uuid.UUID | None = None
    ) -> None:
        ends: list[End] = []
        planned: list[tuple[uuid.UUID, Trigger]] = []

        def before(cursor: psycopg.Cursor) -> list[Trigger]:
            now = dt.datetime.now(dt.UTC)
            for row in cursor.execute(_CLAIM, {"limit": limit, "only": only}).fetchall():
                claimed.append(row[0])
                decoded = self._decode(row, now)
                if isinstance(decoded, Trigger):
                    planned.append((row[0], decoded))
                else:
                    ends.append(decoded)
            return [trigger for _id, trigger in planned]

        def after(cursor: psycopg.Cursor, plan: Plan) -> None:
            ends.extend(_ends_of(planned, plan))
            _write(cursor, ends)

        plan_and_commit(
            connection,
            self._engine,
            dt.datetime.now(dt.UTC),
            before=before,
            after=after,
            is_there=lambda other: _none_is_asked(other, claimed),
            settled=lambda: _tell(ends),
        )

    def _decode(self, row: tuple[Any, ...], now: dt.datetime) -> Trigger | End:
        identifier, topic, partition, offset, record_at, headers, raw, size = row
        if len(raw) < size:
            message = _("Only the first %(kept)d of its %(size)d bytes were kept: send the event again instead.")
            return End(identifier, OPEN, message % {"kept": len(raw), "size": size})
        record = Record(
            topic=topic,
            partition=partition,
            offset=offset,
            value=bytes(raw) or None,
            headers=headers_of(headers),
            record_at=record_at,
            received_at=now,
        )
        decoded = self._intake.decode(record)
        return decoded if isinstance(decoded, Trigger) else _reopened(identifier, decoded)


def _ends_of(planned: Sequence[tuple[uuid.UUID, Trigger]], plan: Plan) -> list[End]:
    ends = {identifier: _replayed(identifier, trigger, "") for identifier, trigger in planned}
    for index in plan.duplicates:
        identifier, trigger = planned[index]
        ends[identifier] = _replayed(
            identifier, trigger, _("The same event had been taken already; nothing was sent again.")
        )
    for refusal in plan.rejections:
        identifier, trigger = planned[refusal.index]
        ends[identifier] = _reopened(identifier, fault_of(trigger, refusal.code, refusal.path, refusal.message))
    return list(ends.values())


def _replayed(identifier: uuid.UUID, trigger: Trigger, message: str) -> End:
    return End(
        identifier,
        REPLAYED,
        message,
        tenant_id=trigger.tenant_id,
        journey_name=trigger.journey_name,
        correlation_id=trigger.correlation_id,
    )


def _reopened(identifier: uuid.UUID, fault: Fault) -> End:
    return End(
        identifier,
        OPEN,
        fault.message,
        fault.code,
        fault.path,
        fault.tenant_id,
        fault.journey_name,
        fault.correlation_id,
    )


def _write(cursor: psycopg.Cursor, ends: Sequence[End]) -> None:
    names = ("id", "state", "code", "path", "message", "tenant_id", "journey_name", "correlation_id")
    cursor.execute(_END, [[getattr(end, name) for end in ends] for name in names])


def _none_is_asked(connection: psycopg.Connection, claimed: Sequence[uuid.UUID]) -> bool:
    row = connection.execute(_STILL_ASKED, [list(claimed)]).fetchone()
    return row == (0,)


def _tell(ends: Sequence[End]) -> None:
    counts = Counter(end.code or end.state for end in ends)
    for end in ends:
        metrics.REPLAYS.labels(outcome=end.state).inc()
    log.info("triggers_replayed", result="success", metadata={"outcomes": dict(counts)})


def ask_for_replay(
    connection: psycopg.Connection, *, code: str | None, journey: str | None, only: uuid.UUID | None
) -> int:
    """Mark open dead letters for replay by what is given (all of it has to match). Returns how many."""
    values = {"code": code, "journey": journey, "only": only, "by": "manage.py replay_rejected"}
    return connection.execute(_ASK, values).rowcount


def replay_all(engine: Planning, connection: psycopg.Connection, stop: threading.Event) -> int:
    """Until nothing is asked for. Returns how many were decided again; an error of the database ends it."""
    replayer = Replayer(engine, Intake())
    done = 0
    while not stop.is_set() and engine.failed is None:
        engine.wait_for_room(ROOM_S)
        taken = replayer.replay(connection)
        if not taken:
            break
        done += taken
    return done
