"""Claim due rows of a lane: delete them, check them again, release them, all in one transaction."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence

import msgspec
import psycopg

from dispatching import arrays, rows
from dispatching.copying import copy_rows
from dispatching.fallback import add_successors
from dispatching.gates import NOBODY
from dispatching.holding import delay, hold_back
from dispatching.lanes import BATCH_LIMIT, batch_limit
from dispatching.parcels import Batch, LaneKey, Parcel
from dispatching.planning import release_deadline, start_batch
from dispatching.rechecking import recheck_all
from dispatching.recording import record_moves
from dispatching.releasing import postpone, settings_of
from dispatching.results import Move
from dispatching.snapshot import SnapshotHolder
from providers.messages import Message

# A loose index scan: two probes per lane that has rows, however many rows it has. (clock_timestamp() would be asked row
# by row, past the index: each poll would read all that waits for tomorrow. EXISTS would become a join over all rows.)
_LANES = """
WITH RECURSIVE lanes AS (
  (SELECT provider_id, lane_class FROM due_dispatches ORDER BY provider_id, lane_class LIMIT 1)
  UNION ALL
  SELECT n.provider_id, n.lane_class FROM lanes l, LATERAL (
    SELECT d.provider_id, d.lane_class FROM due_dispatches d
    WHERE (d.provider_id, d.lane_class) > (l.provider_id, l.lane_class) ORDER BY d.provider_id, d.lane_class LIMIT 1) n)
SELECT l.provider_id::text, l.lane_class FROM lanes l, LATERAL (
  SELECT FROM due_dispatches d
  WHERE d.provider_id = l.provider_id AND d.lane_class = l.lane_class AND d.due_at <= statement_timestamp() LIMIT 1) due
"""
_COUNT = """
SELECT count(*) FROM (SELECT FROM due_dispatches
  WHERE provider_id = %s AND lane_class = %s AND due_at <= statement_timestamp() ORDER BY due_at LIMIT %s) due
"""
# ARRAY runs the limited select once. As a plain IN it may be run again for every row of a table that looks small, and
# each run finds further rows: more would be taken than slots and pace allow.
_CLAIM = """
DELETE FROM due_dispatches WHERE dispatch_id = ANY(ARRAY(
  SELECT dispatch_id FROM due_dispatches WHERE provider_id = %s AND lane_class = %s AND due_at <= statement_timestamp()
  ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING dispatch_id::text, not_after, paced
"""
# The one message that tries a provider in trouble is one that was never tried, where there is one among the first: one
# that the vendor has already failed over would keep everybody else waiting. Any of them, not the oldest: those may all
# be of the one campaign whose content the vendor stumbles over, try after try.
_CLAIM_PROBE = """
DELETE FROM due_dispatches WHERE dispatch_id = ANY(ARRAY(
  SELECT n.dispatch_id FROM due_dispatches n WHERE n.dispatch_id = (
    SELECT f.dispatch_id FROM (
      SELECT dispatch_id, due_at FROM due_dispatches
      WHERE provider_id = %s AND lane_class = %s AND due_at <= statement_timestamp() ORDER BY due_at LIMIT 500) f
    JOIN LATERAL (SELECT attempts FROM dispatches WHERE id = f.dispatch_id) d ON true
    ORDER BY d.attempts, random() LIMIT %s)
  FOR UPDATE SKIP LOCKED))
RETURNING dispatch_id::text, not_after, paced
"""
# Only what still waits: a row that was cancelled meanwhile leaves the queue here and goes nowhere.
_LOAD = """
SELECT d.id::text, d.tenant_id, d.campaign_id::text, d.campaign_provider_id::text, d.version, d.attempts,
  d.max_attempts, d.dispatch_mode, d.destination, d.message_content, d.message_subject, t.template_code, d.variables,
  d.media_url, d.channel, d.correlation_id, d.trace_id, COALESCE(d.scheduled_for, d.received_at),
  d.attempts > 0 AND EXISTS (SELECT 1 FROM attempts a WHERE a.dispatch_id = d.id AND a.outcome = 'UNKNOWN'),
  d.template_id::text, v.placeholders
FROM dispatches d LEFT JOIN templates t ON t.id = d.template_id
LEFT JOIN template_versions v ON v.id = d.template_version_id
WHERE d.id = ANY(%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid AND d.status IN ('PENDING', 'SCHEDULED')
ORDER BY d.campaign_id, d.id
"""


class Claimed(msgspec.Struct):
    """What a claim released, and how many rows it took from the queue."""

    batches: list[Batch]
    taken: int
    ended: list[Move]
    delayed: int = 0


def lanes_with_due(cursor: psycopg.Cursor) -> list[LaneKey]:
    """The lanes that have something to send now."""
    return [LaneKey(row[0], row[1]) for row in cursor.execute(_LANES).fetchall()]


def count_due(cursor: psycopg.Cursor, lane: LaneKey, limit: int) -> int:
    """How many rows of the lane are due, counted to `limit`."""
    row = cursor.execute(_COUNT, [lane.provider_id, lane.lane_class, limit]).fetchone()
    return int(row[0]) if row else 0


def claim_due(
    cursor: psycopg.Cursor,
    lane: LaneKey,
    *,
    limit: int,
    worker_id: int,
    snapshots: SnapshotHolder,
    now: dt.datetime,
    lease_s: float,
    unavailable: frozenset[str] = NOBODY,
    is_probe: bool = False,
) -> Claimed:
    """Take up to `limit` due rows of a lane into released batches, in the caller's transaction; a probe takes one."""
    deadline = release_deadline(lease_s)
    snapshot = snapshots.current(cursor)
    statement = _CLAIM_PROBE if is_probe else _CLAIM
    claimed = cursor.execute(statement, [lane.provider_id, lane.lane_class, limit]).fetchall()
    if not claimed:
        return Claimed(batches=[], taken=0, ended=[])
    taken = {row[0]: (row[1], row[2]) for row in claimed}
    verdicts = recheck_all(load_parcels(cursor, taken), lane, snapshot, now)
    postpone(cursor, verdicts.postponed)
    moved = record_moves(cursor, verdicts.ended, now)
    add_successors(cursor, snapshot, [move for move in verdicts.ended if move.parcel.id in moved], now, unavailable)
    settings = settings_of(snapshot, lane)
    going, delayed = hold_back(cursor, verdicts.going, lane, snapshot, settings)
    delay(cursor, delayed)
    batches = _batches(going, lane, BATCH_LIMIT if settings is None else batch_limit(settings))
    if batches and settings is not None:
        for batch in batches:
            batch.is_probe = is_probe
            start_batch(batch, settings, deadline)
        stamp = now.isoformat()
        copy_rows(
            cursor,
            "send_batches",
            rows.BATCHES,
            [rows.batch_line(batch, worker_id, stamp, released=True) for batch in batches],
        )
    return Claimed(batches=batches, taken=len(taken), ended=verdicts.ended, delayed=len(delayed))


def load_parcels(cursor: psycopg.Cursor, taken: Mapping[str, tuple[dt.datetime, bool]]) -> list[Parcel]:
    """What still waits of these dispatches. `taken`: not_after, and whether it waited for a place in a pace."""
    cursor.execute(_LOAD, [arrays.plain(list(taken)), min(taken), max(taken)])
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
            not_after=taken[row[0]][0],
            since=row[17],
            doubtful=row[18],
            template_id=row[19],
            has_place=taken[row[0]][1],
            message=Message(
                dispatch_id=row[0],
                to=row[8],
                body=row[9],
                subject=row[10] or None,
                template_code=row[11],
                variables=row[12],
                media_url=row[13] or None,
                channel=row[14],
                correlation_id=row[15],
                trace_id=row[16] or None,
                placeholders=tuple(row[20] or row[12]),
            ),
        )
        for row in cursor.fetchall()
    ]


def _batches(parcels: Sequence[Parcel], lane: LaneKey, most: int) -> list[Batch]:
    """Chunks of one campaign each, so that a pause takes effect within one batch."""
    batches: list[Batch] = []
    for parcel in parcels:
        last = batches[-1] if batches else None
        if last is None or last.campaign_id != parcel.campaign_id or len(last.parcels) >= most:
            last = Batch(rows.new_batch_id(), lane, parcel.campaign_id, [], time.monotonic())
            batches.append(last)
        last.parcels.append(parcel)
    return batches
