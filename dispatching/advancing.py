"""How reports move dispatches: each kept once, each change with exactly one fact, forward only (decision 29)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import msgspec
import psycopg

from dispatching import arrays, metrics, reasons, reports, signs
from dispatching.alarms import tell_dead_letters
from dispatching.facts import COLUMNS, insert_counts, insert_facts
from dispatching.fallback import add_successors
from dispatching.gates import explain
from dispatching.parcels import EMPTY_MESSAGE, Parcel
from dispatching.provider_messages import find_dispatches, message_key
from dispatching.reports import Report
from dispatching.results import Move
from dispatching.snapshot import SnapshotHolder
from dispatching.statuses import WAITING, Status

FORWARD: dict[Status, frozenset[Status]] = {
    Status.UNKNOWN: frozenset({Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED}),
    Status.SENT: frozenset({Status.DELIVERED, Status.READ, Status.FAILED}),
    Status.DELIVERED: frozenset({Status.READ}),
}
"""Where a report may move a dispatch; from every other status nowhere."""

# Locked in the order of the ids, as every statement that moves dispatches takes them.
_LOCK = """
SELECT d.id::text, d.tenant_id, d.provider_id::text, d.status, d.provider_message_id, d.version, d.campaign_id::text,
  d.campaign_provider_id::text, d.lane_class, d.attempts, d.max_attempts, d.dispatch_mode, d.not_after, d.received_at
FROM dispatches d WHERE d.id = ANY(%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid ORDER BY d.id
FOR NO KEY UPDATE
"""
_KEEP = f"""
WITH kept AS (
  INSERT INTO delivery_receipts ({reports.COLUMNS}) SELECT {reports.COLUMNS} FROM {reports.UNNESTED}
  ORDER BY dispatch_id, id ON CONFLICT DO NOTHING RETURNING id, dispatch_id, status),
on_time AS (
  DELETE FROM overdue_deliveries o USING kept WHERE o.dispatch_id = kept.dispatch_id AND kept.status <> '')
SELECT id::text FROM kept
"""
# The try that nobody answered is kept, as by an operator who settles it.
_MOVE = f"""
WITH e AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(statuses)s::text[], %(reasons)s::text[],
    %(errors)s::text[]) AS e (id, version, status, reason, error)),
moved AS (
  UPDATE dispatches d SET status = e.status, reason = e.reason, error_message = e.error, version = d.version + 1
  FROM e WHERE d.id = e.id AND d.id BETWEEN %(low)s::uuid AND %(high)s::uuid AND d.version = e.version
  RETURNING {", ".join("d." + name.strip() for name in COLUMNS.split(","))}, d.attempts, d.returned_at,
    old.status AS old_status, old.reason AS old_reason, old.error_message AS old_error),
facts AS ({insert_facts("moved")}),
counts AS ({insert_counts("moved")}),
told AS (
  INSERT INTO attempts (dispatch_id, id, tenant_id, number, outcome, reason, error_message, provider_response,
    dispatched_at, returned_at, created_at)
  SELECT m.id, uuidv7(), m.tenant_id, m.attempts, 'UNKNOWN', m.old_reason, m.old_error, m.provider_response,
    m.dispatched_at, m.returned_at, now()
  FROM moved m
  WHERE m.old_status = 'UNKNOWN' AND m.attempts > 0 AND NOT EXISTS (SELECT 1 FROM attempts a
    WHERE a.dispatch_id = m.id AND a.number = m.attempts AND a.outcome <> 'NOT_SENT'))
SELECT id::text FROM moved
"""


class Sent(msgspec.Struct, frozen=True):
    """A dispatch that a report is about, as the lock found it."""

    tenant_id: int
    provider_id: str
    status: Status
    message_id: str
    lane_class: int
    parcel: Parcel


class Applied(msgspec.Struct):
    """What a transaction did with reports. `waiting`: ids of those whose dispatch is not known, or not yet sent."""

    moves: list[Move]
    waiting: set[str]

    def tell(self) -> None:
        """After COMMIT: the numbers and the alarms."""
        metrics.count_moves(self.moves)
        tell_dead_letters(self.moves)


def settle(cursor: psycopg.Cursor, told: Sequence[Report], now: dt.datetime, snapshots: SnapshotHolder) -> Applied:
    """Keep what is new and move its dispatches, in the caller's transaction; what has to wait is only named."""
    targets = _targets(cursor, told, now)
    sent = _lock(cursor, set(targets.values()))
    ready = []
    for report in told:
        dispatch = sent.get(targets.get(report.id, ""))
        if dispatch and _may_tell(report, dispatch):
            ready.append((msgspec.structs.replace(report, dispatch_id=dispatch.parcel.id), dispatch))
    known = _keep(cursor, [report for report, _ in ready])
    new = [(report, dispatch) for report, dispatch in ready if report.id in known]
    signs.record_told(cursor, signs.of_reports([report for report, _ in new]))
    moves = _moves(new)
    _move(cursor, moves)
    if failed := [move for move in moves if move.status is Status.FAILED]:
        add_successors(cursor, snapshots.current(cursor), failed, now)
    return Applied(moves, {report.id for report in told} - {report.id for report, _ in ready})


def _targets(cursor: psycopg.Cursor, told: Sequence[Report], now: dt.datetime) -> dict[str, str]:
    """Report id → dispatch id: the one that the vendor echoed, else the one that its message id means."""
    keys = {
        report.id: (message_key(report.provider_id, report.message_id), report.tenant_id)
        for report in told
        if report.message_id and not report.dispatch_id
    }
    found = find_dispatches(cursor, set(keys.values()), now)
    targets = {identifier: found[key] for identifier, key in keys.items() if key in found}
    return targets | {report.id: report.dispatch_id for report in told if report.dispatch_id}


def _lock(cursor: psycopg.Cursor, ids: Collection[str]) -> dict[str, Sent]:
    if not ids:
        return {}
    cursor.execute(_LOCK, [arrays.plain(ids), min(ids), max(ids)])
    return {
        row[0]: Sent(
            tenant_id=row[1],
            provider_id=row[2],
            status=Status(row[3]),
            message_id=row[4],
            lane_class=row[8],
            parcel=Parcel(
                id=row[0],
                tenant_id=row[1],
                campaign_id=row[6],
                campaign_provider_id=row[7],
                version=row[5],
                attempts=row[9],
                max_attempts=row[10],
                asynchronous=row[11] == "ASYNC",
                not_after=row[12] or row[13],
                since=row[13],
                message=EMPTY_MESSAGE,
            ),
        )
        for row in cursor.fetchall()
    }


def _may_tell(report: Report, dispatch: Sent) -> bool:
    """A vendor tells of its own dispatches of its own tenant; what is on its way is first recorded by who sent it."""
    ours = report.tenant_id == dispatch.tenant_id and report.provider_id == dispatch.provider_id
    return ours and dispatch.status not in WAITING


def _keep(cursor: psycopg.Cursor, told: Sequence[Report]) -> set[str]:
    """Ids of those that were not known before: a repeated report says nothing new, also after a replay."""
    if not told:
        return set()
    cursor.execute(_KEEP, reports.parameters(told))
    return {row[0] for row in cursor.fetchall()}


def _moves(told: Sequence[tuple[Report, Sent]]) -> list[Move]:
    """One step per dispatch, to the furthest that its reports lead, in the order in which things happened."""
    by_dispatch: dict[str, list[tuple[Report, Sent]]] = {}
    for report, dispatch in sorted(told, key=lambda pair: pair[0].moment):
        by_dispatch.setdefault(dispatch.parcel.id, []).append((report, dispatch))
    moves = (_furthest([report for report, _ in pairs], pairs[0][1]) for _, pairs in sorted(by_dispatch.items()))
    return [move for move in moves if move]


def _furthest(told: Sequence[Report], dispatch: Sent) -> Move | None:
    status, last = dispatch.status, None
    for report in told:
        if report.status and Status(report.status) in FORWARD.get(status, ()) and not _is_outdated(report, dispatch):
            status, last = Status(report.status), report
    return None if last is None else _move_of(last, status, dispatch)


def _is_outdated(report: Report, dispatch: Sent) -> bool:
    """A failure of an earlier try says nothing of the message taken after it; a delivery is one in any case."""
    outdated = report.message_id not in ("", dispatch.message_id)
    return report.status == Status.FAILED and outdated and bool(dispatch.message_id)


def _move_of(report: Report, status: Status, dispatch: Sent) -> Move:
    move = Move(
        parcel=dispatch.parcel, lane_provider=dispatch.provider_id, lane_class=dispatch.lane_class, status=status
    )
    if status is Status.FAILED:
        move.reason = report.reason or reasons.REPORTED_UNDELIVERED
        move.error = explain(reasons.REPORTED_UNDELIVERED, report.error_message or report.kind)
    return move


def _move(cursor: psycopg.Cursor, moves: Sequence[Move]) -> None:
    if moves:
        cursor.execute(
            _MOVE,
            {
                "ids": arrays.plain([move.parcel.id for move in moves]),
                "versions": arrays.plain([move.parcel.version for move in moves]),
                "statuses": arrays.plain([move.status.value for move in moves]),
                "reasons": arrays.texts([move.reason for move in moves]),
                "errors": arrays.texts([move.error for move in moves]),
                "low": moves[0].parcel.id,
                "high": moves[-1].parcel.id,
            },
        )
        assert cursor.rowcount == len(moves), "they are locked"
