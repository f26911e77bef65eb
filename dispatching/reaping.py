"""Recover what a dead or frozen process held (decision 11).

Its database sessions are ended (a transaction frozen half-way must neither commit later nor hold its locks), its
batches change owner, so that a release it might still send finds nothing, and only then are they resolved: unreleased
ids become due rows, released ones without outcome become UNKNOWN. Every step may be repeated by anyone after a crash.
"""

from __future__ import annotations

import datetime as dt
import time

import psycopg
import structlog

from dispatching import metrics, reasons, rows
from dispatching.copying import copy_rows
from dispatching.gates import explain
from dispatching.parcels import EMPTY_MESSAGE, LaneKey, Parcel
from dispatching.recording import record_moves
from dispatching.results import Move
from dispatching.statuses import Status

REAPED = -1
"""Owner of batches that a reaper took and has not resolved yet."""
ROUND = 64
BUSY_S = 1.0
"""The longest that a heartbeat goes on reaping before its next beat, or it would be taken for dead by the others."""

log = structlog.get_logger("prism.dispatching")

_DEAD = """
UPDATE workers SET state = 'dead' WHERE id IN (
  SELECT id FROM workers WHERE state = 'running' AND heartbeat_at < clock_timestamp() - make_interval(secs => %s)
    AND id <> %s ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING id
"""
# Dead workers of an earlier reaper that died itself are included: ownership says what is left to do.
_DISOWN = """
UPDATE send_batches SET owner = %s WHERE owner <> %s AND owner NOT IN (SELECT id FROM workers WHERE state = 'running')
"""
_END_SESSIONS = """
SELECT pg_terminate_backend(a.pid, 2000) FROM pg_stat_activity a
JOIN workers w ON a.application_name LIKE 'prism:' || w.id || ':%'
WHERE w.state = 'dead' AND w.heartbeat_at > clock_timestamp() - interval '1 day' AND a.pid <> pg_backend_pid()
  AND a.datname = current_database()
"""
_TAKE = """
SELECT id::text, provider_id::text, lane_class, dispatch_ids::text[], versions, released_at
FROM send_batches WHERE owner = %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_WAITING = """
SELECT d.id::text, d.tenant_id, d.campaign_id::text, d.campaign_provider_id::text, d.version, d.attempts,
  d.max_attempts, d.dispatch_mode, d.not_after, d.received_at
FROM dispatches d WHERE d.id = ANY(%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid
  AND d.status IN ('PENDING', 'SCHEDULED')
"""


class Reaper:
    """Runs as a chore of every heartbeat. It waits a full lease of its own unbroken beats before it judges others, so
    that after a restart of the database nobody is reaped for beats that could not be written."""

    def __init__(self, worker_id: int, dead_after_s: float, *, busy_s: float = BUSY_S) -> None:
        self._worker_id = worker_id
        self._busy_s = min(busy_s, dead_after_s / 10)
        self._dead_after_s = dead_after_s
        self._since = time.monotonic()
        self._last = time.monotonic()

    def __call__(self, connection: psycopg.Connection) -> None:
        now = time.monotonic()
        if now - self._last > self._dead_after_s / 2:
            self._since = now
        self._last = now
        if now - self._since < self._dead_after_s:
            return
        reap(connection, dead_after_s=self._dead_after_s, worker_id=self._worker_id, busy_s=self._busy_s)


def reap(
    connection: psycopg.Connection, *, dead_after_s: float, worker_id: int = 0, busy_s: float | None = None
) -> int:
    """Declare the silent dead, take their batches over and resolve them. Returns how many batches were resolved.

    After `busy_s` seconds the rest is left to the next call, whoever makes it.
    """
    until = None if busy_s is None else time.monotonic() + busy_s
    with connection.transaction():
        dead = [row[0] for row in connection.execute(_DEAD, [dead_after_s, worker_id]).fetchall()]
        if dead:
            # In here: whoever is declared dead has lost its sessions, also where this process dies in between.
            connection.execute(_END_SESSIONS)
    if dead:
        log.warning("workers_reaped", result="failure", metadata={"workers": dead})
    with connection.transaction():
        owned = connection.execute(_DISOWN, [REAPED, REAPED]).rowcount
    if owned:
        # Once more: a process that thawed in between may have opened new ones.
        connection.execute(_END_SESSIONS)
    resolved = 0
    while count := _resolve_some(connection):
        resolved += count
        if until is not None and time.monotonic() >= until:
            break
    metrics.REAPED.inc(resolved)
    return resolved


def _resolve_some(connection: psycopg.Connection) -> int:
    """One round of batches in one transaction: the queue and the history change together."""
    with connection.transaction(), connection.cursor() as cursor:
        batches = cursor.execute(_TAKE, [REAPED, ROUND]).fetchall()
        for _, provider_id, lane_class, ids, versions, released_at in batches:
            waiting = _waiting(cursor, ids, dict(zip(ids, versions, strict=True)))
            lane = LaneKey(provider_id, lane_class)
            if released_at is None:
                _requeue(cursor, waiting, lane)
            else:
                _mark_unknown(cursor, waiting, lane)
        cursor.execute("DELETE FROM send_batches WHERE id = ANY(%s::uuid[])", [[batch[0] for batch in batches]])
    return len(batches)


def _waiting(cursor: psycopg.Cursor, ids: list[str], versions: dict[str, int]) -> list[Parcel]:
    """The dispatches of a batch without an outcome: still waiting, at the version that the batch released."""
    cursor.execute(_WAITING, [ids, min(ids), max(ids)])
    return [
        Parcel(
            id=row[0],
            tenant_id=row[1],
            campaign_id=row[2],
            campaign_provider_id=row[3],
            version=row[4],
            attempts=row[5],
            max_attempts=row[6],
            asynchronous=row[7] == "ASYNC",
            not_after=row[8],
            since=row[9],
            message=EMPTY_MESSAGE,
        )
        for row in cursor.fetchall()
        if versions[row[0]] == row[4]
    ]


def _requeue(cursor: psycopg.Cursor, parcels: list[Parcel], lane: LaneKey) -> None:
    now = dt.datetime.now(dt.UTC)
    copy_rows(
        cursor,
        "due_dispatches",
        rows.DUE,
        [rows.due_line(parcel.id, lane, now, parcel.not_after) for parcel in parcels],
    )


def _mark_unknown(cursor: psycopg.Cursor, parcels: list[Parcel], lane: LaneKey) -> None:
    now = dt.datetime.now(dt.UTC)
    record_moves(
        cursor,
        [
            Move(
                parcel=parcel,
                lane_provider=lane.provider_id,
                lane_class=lane.lane_class,
                status=Status.UNKNOWN,
                reason=reasons.WORKER_LOST,
                error=explain(reasons.WORKER_LOST),
                counted=True,
            )
            for parcel in parcels
        ],
        now,
    )
