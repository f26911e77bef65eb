"""The pace of a provider, and that of a campaign, each shared by all processes (decision 15).

One row per provider or campaign says when the next message may leave. Taking n messages moves it by n intervals, and
never to more than a second (or one interval) ahead of the database's clock. Tokens of a process that dies are lost, so
the pace is never exceeded.

A provider's tokens are taken before anything is claimed or released. A campaign shares its lane with others, so its
messages are taken up first, and those that its pace does not let go get places one after the other (`tail_at` is the
next free one): each is looked at once more, when its place has come.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import msgspec
import psycopg

HORIZON_S = 1.0
PLACES_AHEAD_S = 600.0
"""Places are given no further ahead, so that a pace that somebody raises is felt before long."""

_TAKE = """
SELECT clock_timestamp(), next_at, tail_at FROM pace_counters WHERE provider_id = %s FOR UPDATE SKIP LOCKED
"""
_IS_THERE = "SELECT 1 FROM pace_counters WHERE provider_id = %s"
_MAKE = "INSERT INTO pace_counters (provider_id, next_at) VALUES (%s, 'epoch') ON CONFLICT DO NOTHING"
_MOVE = "UPDATE pace_counters SET next_at = %s, tail_at = %s WHERE provider_id = %s"
_GIVE_BACK = """
UPDATE pace_counters SET next_at = next_at - make_interval(secs => %s) WHERE provider_id = %s
"""


class Pace(msgspec.Struct, frozen=True):
    """A row, and the database's clock when it was read."""

    now: dt.datetime
    next_at: dt.datetime
    tail_at: dt.datetime


def grant(now: dt.datetime, next_at: dt.datetime, per_minute: int, wanted: int) -> tuple[int, dt.datetime]:
    """(messages granted, new next_at). Pure."""
    interval = 60.0 / per_minute
    base = max(next_at, now)
    fits = math.ceil((HORIZON_S - (base - now).total_seconds()) / interval)
    granted = max(0, min(wanted, fits))
    return granted, base + dt.timedelta(seconds=granted * interval)


def share_out(pace: Pace, per_minute: int, have_places: Sequence[bool]) -> tuple[list[dt.datetime | None], Pace]:
    """For each message None where it goes now, or its place; and the row afterwards. Pure.

    Those that had a place go first; while others wait for theirs, whoever comes new goes behind them.
    """
    order = sorted(range(len(have_places)), key=lambda index: not have_places[index])
    may_go = len(order) if pace.tail_at <= pace.now else sum(have_places)
    granted, next_at = grant(pace.now, pace.next_at, per_minute, may_go)
    places: list[dt.datetime | None] = [None] * len(have_places)
    interval, furthest = dt.timedelta(seconds=60.0 / per_minute), pace.now + dt.timedelta(seconds=PLACES_AHEAD_S)
    tail = pace.tail_at
    for index in order[granted:]:
        place = max(tail, next_at, pace.now)
        places[index] = min(place, furthest)
        tail = min(place + interval, furthest)
    return places, Pace(pace.now, next_at, tail)


def take_tokens(connection: psycopg.Connection, provider_id: str, per_minute: int, wanted: int) -> int:
    """How many of `wanted` messages may leave now. A short transaction of its own, so that no plan holds the row.

    None while another process takes some: it is soon asked again, and one that froze there holds nobody else up.
    """
    with connection.transaction(), connection.cursor() as cursor:
        pace = _read(cursor, provider_id)
        if pace is None:
            return 0
        granted, next_at = grant(pace.now, pace.next_at, per_minute, wanted)
        if granted:
            cursor.execute(_MOVE, [next_at, pace.tail_at, provider_id])
    return granted


def give_back_tokens(connection: psycopg.Connection, provider_id: str, per_minute: int, count: int) -> None:
    """Tokens that were taken a moment ago and not used."""
    if count > 0:
        connection.execute(_GIVE_BACK, [count * 60.0 / per_minute, provider_id])


def take_places(
    cursor: psycopg.Cursor, campaign_id: str, per_minute: int, have_places: Sequence[bool]
) -> list[dt.datetime | None] | None:
    """As `share_out`, in the caller's transaction. None while another process shares out."""
    pace = _read(cursor, campaign_id)
    if pace is None:
        return None
    places, after = share_out(pace, per_minute, have_places)
    cursor.execute(_MOVE, [after.next_at, after.tail_at, campaign_id])
    return places


def _read(cursor: psycopg.Cursor, key: str) -> Pace | None:
    row = cursor.execute(_TAKE, [key]).fetchone()
    if row is None:
        if cursor.execute(_IS_THERE, [key]).fetchone():
            return None
        # Made at the beginning of time first: a limit in ON CONFLICT would not guard the first insert.
        cursor.execute(_MAKE, [key])
        row = cursor.execute(_TAKE, [key]).fetchone()
    return Pace(*row) if row else None
