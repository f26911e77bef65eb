"""The rows of vendors' calls as workers see them: claimed by one, settled by whoever claimed last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from dispatching import arrays
from ingestion.wording import cleaned

RETAKE_S = 30
"""Past the longest turn: whoever claimed it then is dead or cut off."""
MOST_TRIES = 3
LATER_S = 10
"""The pause after the first failed try; ten times as long after the second."""
LONGEST_ERROR = 500

_CLAIM = """
UPDATE webhook_calls AS c SET tries = c.tries + 1, look_at = clock_timestamp() + make_interval(secs => %s)
FROM (
  SELECT id FROM webhook_calls WHERE state = 'waiting' AND look_at <= clock_timestamp()
  ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
) w
WHERE c.id = w.id
RETURNING c.id::text, c.tenant_id, c.provider_id::text, c.method, c.path, c.query, c.headers, c.body, c.received_at,
  c.tries
"""
# In the order of the ids, as the claim takes them.
_DONE = """
UPDATE webhook_calls AS c SET state = 'done', finished_at = clock_timestamp(), reports = e.reports, error = ''
FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS e (id, tries, reports)
WHERE c.id = e.id AND c.state = 'waiting' AND c.tries = e.tries
"""
_FAILED = """
UPDATE webhook_calls SET error = %(error)s, look_at = clock_timestamp() + make_interval(secs => %(later)s),
  state = CASE WHEN %(final)s THEN 'failed' ELSE state END,
  finished_at = CASE WHEN %(final)s THEN clock_timestamp() END
WHERE id = %(id)s AND state = 'waiting' AND tries = %(tries)s
"""
_GIVE_BACK = """
UPDATE webhook_calls AS c SET tries = c.tries - 1, look_at = clock_timestamp()
FROM unnest(%s::uuid[], %s::int[]) AS e (id, tries)
WHERE c.id = e.id AND c.state = 'waiting' AND c.tries = e.tries
"""
_DELETE = """
DELETE FROM webhook_calls WHERE id IN (
  SELECT id FROM webhook_calls WHERE id < %s::uuid AND state <> 'waiting' ORDER BY id LIMIT %s
)
"""


class StoredCall(msgspec.Struct, frozen=True):
    """The fields are those that the claim returns, in their order."""

    id: str
    tenant_id: int
    provider_id: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    received_at: dt.datetime
    tries: int

    def __repr__(self) -> str:
        return f"StoredCall({self.id}, tries={self.tries})"


def claim(connection: psycopg.Connection, limit: int) -> list[StoredCall]:
    """Those that wait, oldest first; committed before any of them is read."""
    rows = connection.execute(_CLAIM, [RETAKE_S, limit]).fetchall()
    return sorted((StoredCall(*row) for row in rows), key=lambda call: call.id)


def settle(cursor: psycopg.Cursor, calls: Sequence[StoredCall], reports: Sequence[int]) -> bool:
    """Mark them read; False where one of them is somebody else's by now: then nothing of this may be committed."""
    ids, tries = _keys(calls)
    return cursor.execute(_DONE, [ids, tries, arrays.plain(reports)]).rowcount == len(calls)


def put_off(connection: psycopg.Connection, call: StoredCall, error: str, *, final: bool) -> bool:
    """It failed: tried again after a while, or for good. Returns whether it is for good."""
    final = final or call.tries >= MOST_TRIES
    later = 0 if final else LATER_S * 10 ** (call.tries - 1)
    values: dict[str, Any] = {"id": call.id, "tries": call.tries, "error": cleaned(error, LONGEST_ERROR)}
    connection.execute(_FAILED, {**values, "later": later, "final": final})
    return final


def give_back(connection: psycopg.Connection, calls: Sequence[StoredCall]) -> None:
    """As if they had not been claimed: the trouble was ours."""
    connection.execute(_GIVE_BACK, [*_keys(calls)])


def delete_older(cursor: psycopg.Cursor, floor: str, limit: int) -> int:
    """A chunk of those before this id; how many went. What waits stays."""
    return cursor.execute(_DELETE, [floor, limit]).rowcount


def _keys(calls: Sequence[StoredCall]) -> tuple[str, str]:
    return arrays.plain([call.id for call in calls]), arrays.plain([call.tries for call in calls])
