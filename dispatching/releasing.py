"""Release batches: the commit that lets them touch the wire, and the way back for those that may not (decision 11)."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

import msgspec
import psycopg

from dispatching import rows
from dispatching.copying import copy_rows
from dispatching.holding import Delayed, hold_back
from dispatching.parcels import Batch, LaneKey, Parcel
from dispatching.planning import release_deadline, start_batch
from dispatching.rechecking import Postponed, Verdicts, recheck_all
from dispatching.results import Move
from dispatching.snapshot import Snapshot, SnapshotHolder
from providers.settings import ProviderSettings

FRESH_S = 1.0
"""A plan older than this is rechecked before it is released."""

# COALESCE, for the retry after a COMMIT whose answer was lost: only this process puts its batches on the wire, and it
# knows that it has not done so. A batch that the reaper took has another owner.
_RELEASE = """
UPDATE send_batches SET released_at = COALESCE(released_at, clock_timestamp())
WHERE id = ANY(%s::uuid[]) AND owner = %s RETURNING id::text
"""
_SHRINK = "UPDATE send_batches SET dispatch_ids = %s::uuid[], versions = %s::int[] WHERE id = %s AND owner = %s"
_DROP = "DELETE FROM send_batches WHERE id = ANY(%s::uuid[]) AND owner = %s"
_TAKE_BACK = """
DELETE FROM send_batches WHERE id = ANY(%s::uuid[]) AND owner = %s AND released_at IS NULL RETURNING id::text
"""
_MINE = "SELECT count(*) FROM send_batches WHERE id = ANY(%s::uuid[]) AND owner = %s"
_POSTPONE = """
UPDATE dispatches d SET scheduled_for = e.due_at, scheduled_local = e.local, not_after = e.not_after
FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[], %s::timestamptz[]) AS e (id, due_at, local, not_after)
WHERE d.id = e.id AND d.id BETWEEN %s::uuid AND %s::uuid AND d.status IN ('PENDING', 'SCHEDULED')
"""


class OwnershipLostError(Exception):
    """The reaper took this worker for dead and gave its batches away: the process must stop."""


class Going(msgspec.Struct, frozen=True):
    """A batch with the parcels that passed the recheck."""

    batch: Batch
    parcels: list[Parcel]
    settings: ProviderSettings


class Release(msgspec.Struct):
    """What a transaction released, and what became of the rest. Nothing in memory has changed until `apply`."""

    going: list[Going]
    moves: list[Move]
    postponed: list[Postponed]
    delayed: list[Delayed]
    deadline: float

    @property
    def leaves_some(self) -> bool:
        """Something left its batch, and waits in the queue or has ended."""
        return bool(self.moves or self.postponed or self.delayed)

    def apply(self) -> list[Batch]:
        """After COMMIT: the released batches, ready for the wire."""
        for going in self.going:
            going.batch.parcels = going.parcels
            start_batch(going.batch, going.settings, self.deadline)
        return [going.batch for going in self.going]


def release_batches(
    cursor: psycopg.Cursor,
    batches: Sequence[Batch],
    *,
    worker_id: int,
    snapshots: SnapshotHolder,
    now: dt.datetime,
    lease_s: float,
) -> Release:
    """Release what may go, in the caller's transaction, which may be tried again from the start."""
    release = Release(going=[], moves=[], postponed=[], delayed=[], deadline=release_deadline(lease_s))
    snapshot = snapshots.current(cursor)
    stale = any(time.monotonic() - batch.planned_at > FRESH_S for batch in batches)
    for batch in batches:
        parcels, provider_settings = batch.parcels, settings_of(snapshot, batch.lane)
        if stale or provider_settings is None:
            verdicts = recheck_all(batch.parcels, batch.lane, snapshot, now)
            parcels = verdicts.going
        else:
            verdicts = Verdicts()
        parcels, delayed = hold_back(cursor, parcels, batch.lane, snapshot, provider_settings)
        if len(parcels) < len(batch.parcels) and not _shrink(cursor, batch, parcels, worker_id):
            continue
        release.moves += verdicts.ended
        release.postponed += verdicts.postponed
        release.delayed += delayed
        if parcels and provider_settings is not None:
            release.going.append(Going(batch, parcels, provider_settings))
    cursor.execute(_RELEASE, [[going.batch.id for going in release.going], worker_id])
    if len(cursor.fetchall()) < len(release.going):
        raise OwnershipLostError
    return release


def check_owner(connection: psycopg.Connection, release: Release, worker_id: int) -> None:
    """Of a release that is known to be committed: nobody took it from this worker since."""
    ids = [going.batch.id for going in release.going]
    row = connection.execute(_MINE, [ids, worker_id]).fetchone()
    if row is None or row[0] < len(ids):
        raise OwnershipLostError


def hand_back(cursor: psycopg.Cursor, batches: Sequence[Batch], *, worker_id: int, due_at: dt.datetime) -> None:
    """Unreleased batches of this worker become due rows, for whoever has slots."""
    if not batches:
        return
    cursor.execute(_TAKE_BACK, [[batch.id for batch in batches], worker_id])
    mine = {row[0] for row in cursor.fetchall()}
    copy_rows(
        cursor,
        "due_dispatches",
        rows.DUE,
        [
            rows.due_line(parcel.id, batch.lane, due_at, parcel.not_after)
            for batch in batches
            if batch.id in mine
            for parcel in batch.parcels
        ],
    )


def postpone(cursor: psycopg.Cursor, postponed: Sequence[Postponed]) -> None:
    """Waiting dispatches get their next allowed moment, in their row and in the queue."""
    if not postponed:
        return
    ids = [item.parcel.id for item in postponed]
    cursor.execute(
        _POSTPONE,
        [
            ids,
            [item.moment.utc for item in postponed],
            [item.moment.local for item in postponed],
            [item.moment.not_after for item in postponed],
            min(ids),
            max(ids),
        ],
    )
    copy_rows(
        cursor,
        "due_dispatches",
        rows.DUE,
        [rows.due_line(item.parcel.id, item.lane, item.moment.utc, item.moment.not_after) for item in postponed],
    )


def settings_of(snapshot: Snapshot, lane: LaneKey) -> ProviderSettings | None:
    """None where the provider cannot be used: a recheck then lets nothing of its lane go, and says why."""
    provider = snapshot.providers.get(lane.provider_id)
    return provider.settings if provider else None


def _shrink(cursor: psycopg.Cursor, batch: Batch, parcels: Sequence[Parcel], worker_id: int) -> bool:
    """What does not go leaves the batch, which ends where nothing goes. False where it had ended before: then nothing
    may be said of its dispatches. A try whose COMMIT was not answered has said it, or the reaper took the batch, and
    another process may be sending them."""
    if parcels:
        ids, versions = [parcel.id for parcel in parcels], [parcel.version for parcel in parcels]
        cursor.execute(_SHRINK, [ids, versions, batch.id, worker_id])
    else:
        cursor.execute(_DROP, [[batch.id], worker_id])
    if parcels and not cursor.rowcount:
        raise OwnershipLostError
    return bool(cursor.rowcount)
