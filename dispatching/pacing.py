"""A provider's pace, shared by all processes (decision 15).

One row per provider says when the next message may leave. Taking n messages moves it by n intervals, and never to
more than a second (or one interval) ahead of the database's clock. Tokens of a process that dies are lost, so the
pace is never exceeded.
"""

from __future__ import annotations

import datetime as dt
import math

import psycopg

HORIZON_S = 1.0

_TAKE = """
SELECT clock_timestamp(), next_at FROM pace_counters WHERE provider_id = %s FOR UPDATE SKIP LOCKED
"""
_IS_THERE = "SELECT 1 FROM pace_counters WHERE provider_id = %s"
_MAKE = "INSERT INTO pace_counters (provider_id, next_at) VALUES (%s, 'epoch') ON CONFLICT DO NOTHING"


def grant(now: dt.datetime, next_at: dt.datetime, per_minute: int, wanted: int) -> tuple[int, dt.datetime]:
    """(messages granted, new next_at). Pure."""
    interval = 60.0 / per_minute
    base = max(next_at, now)
    fits = math.ceil((HORIZON_S - (base - now).total_seconds()) / interval)
    granted = max(0, min(wanted, fits))
    return granted, base + dt.timedelta(seconds=granted * interval)


def take_tokens(connection: psycopg.Connection, provider_id: str, per_minute: int, wanted: int) -> int:
    """How many of `wanted` messages may leave now. A short transaction of its own, so that no plan holds the row.

    None while another process takes some: it is soon asked again, and one that froze there holds nobody else up.
    """
    with connection.transaction():
        row = connection.execute(_TAKE, [provider_id]).fetchone()
        if row is None:
            if connection.execute(_IS_THERE, [provider_id]).fetchone():
                return 0
            # Made at the beginning of time first: a limit in ON CONFLICT would not guard the first insert.
            connection.execute(_MAKE, [provider_id])
            row = connection.execute(_TAKE, [provider_id]).fetchone()
        if row is None:
            return 0
        granted, next_at = grant(row[0], row[1], per_minute, wanted)
        if granted:
            connection.execute("UPDATE pace_counters SET next_at = %s WHERE provider_id = %s", [next_at, provider_id])
    return granted
