"""The rows that wait: read in order, deleted once acknowledged, parked when refused for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]

READ_BYTES = 4_000_000
"""What one read of a shard may hold of payloads, beyond its first fact: bounds the relay's memory."""


class Fact(NamedTuple):
    """One waiting row. `made_at` is seconds since the epoch by the database's clock."""

    id: int
    shard: int
    topic: str
    key: str
    headers: Any
    payload: str
    made_at: float


class Claim(NamedTuple):
    """Where to read: a shard held at this epoch, past this id."""

    shard: int
    epoch: int
    floor: int


# The lease is looked at again by the read itself, by the database's clock: who lost it gets no rows.
READ = """
SELECT e.id, e.shard, e.topic, e.key, e.headers, e.payload, e.made_at
FROM unnest(%(shards)s::smallint[], %(epochs)s::bigint[], %(floors)s::bigint[]) AS c (shard, epoch, floor)
JOIN outbox_shards s ON s.shard = c.shard AND s.epoch = c.epoch AND s.owner = %(owner)s
  AND s.leased_until > clock_timestamp()
CROSS JOIN LATERAL (
  SELECT b.* FROM (
    SELECT h.*, sum(octet_length(h.payload)) OVER (ORDER BY h.id) - octet_length(h.payload) AS bytes_before
    FROM (
      SELECT o.id, o.shard, o.topic, o.key, o.headers, o.payload, extract(epoch FROM o.created_at)::float8 AS made_at
      FROM outbox_events o
      WHERE o.shard = c.shard AND o.id > c.floor AND o.parked_at IS NULL ORDER BY o.id LIMIT %(rows)s
    ) h
  ) b WHERE b.bytes_before < %(bytes)s
) e
"""


LOOK = """
SELECT CASE WHEN q.is_called THEN q.last_value ELSE 0 END,
  pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
FROM outbox_events_id_seq q
"""


def look(connection: Connection) -> tuple[int, int, int]:
    """The last id given out, and from where on transactions had not ended and not begun when this was asked."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(LOOK, prepare=True).fetchone()
        assert row is not None
        return row[0], row[1], row[2]


def read(connection: Connection, *, owner: str, claims: Sequence[Claim], rows: int) -> dict[int, list[Fact]]:
    """Up to `rows` facts of each claimed shard, in id order."""
    parameters = {
        "shards": [claim.shard for claim in claims],
        "epochs": [claim.epoch for claim in claims],
        "floors": [claim.floor for claim in claims],
        "owner": owner,
        "rows": rows,
        "bytes": READ_BYTES,
    }
    found: dict[int, list[Fact]] = {}
    with connection.cursor(binary=True) as cursor:
        for row in cursor.execute(READ, parameters, prepare=True).fetchall():
            found.setdefault(row[1], []).append(Fact._make(row))
    for facts in found.values():
        facts.sort()  # in order already, unless the planner had another idea
    return found


def delete(connection: Connection, ids: Iterable[int]) -> int:
    """Remove what Kafka has acknowledged; how many were still there."""
    return connection.execute("DELETE FROM outbox_events WHERE id = ANY (%s)", [list(ids)], prepare=True).rowcount


def park(connection: Connection, *, fact_id: int, problem: str) -> bool:
    """Set one fact aside with its reason. False: somebody else did, or it is gone."""
    statement = "UPDATE outbox_events SET parked_at = now(), problem = %s WHERE id = %s AND parked_at IS NULL"
    return connection.execute(statement, [problem, fact_id]).rowcount == 1
