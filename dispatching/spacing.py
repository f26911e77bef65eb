"""The time between two messages to one address, where a vendor demands it: counted over all processes.

A row per provider and address (only its digest is kept) says when the next message may leave. Rows are taken in the
order of their keys, so that two processes never wait for each other in a circle; one that another process has is not
waited for: a message to that address is leaving just now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from hashlib import blake2b

import psycopg

from dispatching import arrays

_MAKE = """
INSERT INTO contact_paces (key, next_at) SELECT k, 'epoch' FROM unnest(%s::uuid[]) k ORDER BY k ON CONFLICT DO NOTHING
"""
_TAKE = """
SELECT replace(key::text, '-', ''), next_at, clock_timestamp() FROM contact_paces WHERE key = ANY(%s::uuid[])
ORDER BY key FOR UPDATE SKIP LOCKED
"""
_MOVE = """
UPDATE contact_paces c SET next_at = e.next_at FROM unnest(%s::uuid[], %s::timestamptz[]) AS e (key, next_at)
WHERE c.key = e.key
"""
_CLOCK = "SELECT clock_timestamp()"


def space_out(
    next_at: dict[str, dt.datetime], keys: Sequence[str], now: dt.datetime, spacing: dt.timedelta
) -> tuple[list[dt.datetime | None], dict[str, dt.datetime]]:
    """For each message (by its address's key) None where it goes now, or when it may; and the rows that change. Pure.

    A key without a row is another process's: its address is being written to. Who waits reserves nothing.
    """
    moved: dict[str, dt.datetime] = {}
    moments: list[dt.datetime | None] = []
    for key in keys:
        free_at = moved.get(key) or next_at.get(key, now + spacing)
        if free_at > now:
            moments.append(free_at)
        else:
            moments.append(None)
            moved[key] = now + spacing
    return moments, moved


def take_turns(
    cursor: psycopg.Cursor, provider_id: str, destinations: Sequence[str], spacing_s: float
) -> list[dt.datetime | None]:
    """As `space_out`, in the caller's transaction: three statements, however many messages."""
    keys = [key_of(provider_id, destination) for destination in destinations]
    wanted = arrays.plain(sorted(set(keys)))
    cursor.execute(_MAKE, [wanted])
    found = cursor.execute(_TAKE, [wanted]).fetchall()
    now = found[0][2] if found else _now(cursor)
    moments, moved = space_out({row[0]: row[1] for row in found}, keys, now, dt.timedelta(seconds=spacing_s))
    if moved:
        cursor.execute(_MOVE, [arrays.plain(moved), arrays.texts([moment.isoformat() for moment in moved.values()])])
    return moments


def key_of(provider_id: str, destination: str) -> str:
    text = f"{provider_id}\0{destination}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()


def _now(cursor: psycopg.Cursor) -> dt.datetime:
    row = cursor.execute(_CLOCK).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # psycopg rows are Any
