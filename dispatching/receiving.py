"""What vendors report of messages they took. Doors (webhooks, polls) hand it over in any order, repeated, early or late
(decision 29).

Receipts that come before their dispatch was recorded, or that are of messages which nobody here sent, wait: they are
tried again, more and more seldom, then given up.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import psycopg
import structlog

from dispatching import reports, signs
from dispatching.advancing import Applied, settle
from dispatching.database import connect
from dispatching.reports import Receipt, Report, report_of
from dispatching.snapshot import SnapshotHolder

CHUNK = 500
JOB_SECONDS = 40.0
KEPT = dt.timedelta(days=3)
"""Longer than any dispatch waits for its next try."""

log = structlog.get_logger("prism.dispatching")

_WAIT = f"""
INSERT INTO waiting_receipts ({reports.COLUMNS}, tries, look_at)
SELECT {reports.COLUMNS}, 0, %(now)s FROM {reports.UNNESTED} ORDER BY id ON CONFLICT DO NOTHING
"""
_TAKE = f"""
SELECT {
    ", ".join(
        f"{name}::text" if name in ("id", "provider_id", "dispatch_id") else name for name in Report.__struct_fields__
    )
}
FROM waiting_receipts WHERE look_at <= %s ORDER BY look_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_DONE = "DELETE FROM waiting_receipts WHERE id = ANY(%s::uuid[])"
# After 1, 2, 4 … minutes, then hourly.
_LATER = """
UPDATE waiting_receipts SET tries = tries + 1,
  look_at = %s + LEAST(interval '1 hour', interval '1 minute' * power(2, LEAST(tries, 6)))
WHERE id = ANY(%s::uuid[])
"""


def apply_receipts(
    cursor: psycopg.Cursor, receipts: Iterable[Receipt], now: dt.datetime, snapshots: SnapshotHolder | None = None
) -> Applied:
    """Keep each receipt once and move its dispatch forward, in the caller's transaction; what has none yet waits. Of
    what names no message only the sign is kept.

    `tell` what was applied after COMMIT. Only over the owner's connection (dispatching.database). `snapshots`: the
    configuration, for campaigns that go on to their next provider.
    """
    all_told = {report.id: report for report in map(report_of, receipts)}.values()
    unattached = [one for one in all_told if one.sign and not one.message_id and not one.dispatch_id]
    signs.record_unattached(cursor, unattached)
    told = [one for one in all_told if one not in unattached] if unattached else list(all_told)
    applied = settle(cursor, told, now, snapshots or SnapshotHolder())
    if waiting := [report for report in told if report.id in applied.waiting]:
        cursor.execute(_WAIT, {**reports.parameters(waiting), "now": now})
    return applied


def apply_waiting_receipts(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Try those whose moment has come, a transaction per chunk. How many found their dispatch. Any number may run."""
    until = time.monotonic() + max_seconds
    snapshots = SnapshotHolder()
    found = 0
    with connect("prism-receipts") as connection:
        while time.monotonic() < until:
            taken, settled = _apply_some(connection, now or dt.datetime.now(dt.UTC), snapshots)
            found += settled
            if taken < CHUNK:
                break
    if found:
        log.info("waiting_receipts_applied", count=found)
    return found


def _apply_some(connection: psycopg.Connection, now: dt.datetime, snapshots: SnapshotHolder) -> tuple[int, int]:
    """(taken, settled)"""
    with connection.transaction(), connection.cursor() as cursor:
        told = [Report(*row) for row in cursor.execute(_TAKE, [now, CHUNK]).fetchall()]
        applied = settle(cursor, told, now, snapshots)
        old = {report.id for report in told if report.received_at < now - KEPT} & applied.waiting
        signs.record_unattached(cursor, [report for report in told if report.id in old])
        cursor.execute(_DONE, [[report.id for report in told if report.id not in applied.waiting - old]])
        cursor.execute(_LATER, [now, list(applied.waiting - old)])
    applied.tell()
    _tell_given_up(told, old)
    return len(told), len(told) - len(applied.waiting)


def _tell_given_up(told: Sequence[Report], old: Collection[str]) -> None:
    if old:
        given_up = Counter(report.provider_id for report in told if report.id in old)
        log.warning("receipts_given_up", result="failure", metadata={"by_provider": dict(given_up)})
