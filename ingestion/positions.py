"""Where each partition stands: taken with a new epoch, moved in the transaction of the plan it belongs to (decision 5).

A process that lost a partition still believes in its old epoch, so its transaction moves nothing and is rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import psycopg

Partition = tuple[str, int]
"""(topic, number)"""

_TAKE = """
INSERT INTO consumer_positions AS p (consumer_group, topic, partition, epoch, next_offset) VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (consumer_group, topic, partition) DO UPDATE
SET epoch = p.epoch + 1, next_offset = COALESCE(p.next_offset, EXCLUDED.next_offset), updated_at = now()
RETURNING epoch, next_offset, stopped_reason, accepted_lead
"""
# From the stored value on: a batch that was read from elsewhere may not be counted, gaps in the topic may.
_MOVE = """
UPDATE consumer_positions p SET next_offset = m.next_offset, updated_at = now(),
  accepted_lead = CASE WHEN m.next_offset < p.accepted_lead THEN p.accepted_lead END
FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[])
  AS m (topic, partition, epoch, stored, next_offset)
WHERE p.consumer_group = %s AND p.topic = m.topic AND p.partition = m.partition AND p.epoch = m.epoch
  AND p.next_offset = m.stored AND p.stopped_reason = ''
RETURNING p.topic, p.partition
"""
_STOP = """
UPDATE consumer_positions SET stopped_reason = %s, updated_at = now()
WHERE consumer_group = %s AND topic = %s AND partition = %s AND epoch = %s
"""
_READ = """
SELECT epoch, next_offset, stopped_reason, accepted_lead FROM consumer_positions
WHERE consumer_group = %s AND topic = %s AND partition = %s
"""
_STOPPED = "SELECT topic, partition FROM consumer_positions WHERE consumer_group = %s AND stopped_reason <> ''"


class Position(msgspec.Struct, frozen=True):
    """A partition's row. `accepted_lead`: Kafka's offset that may be ahead of ours, because an operator said so."""

    epoch: int
    next_offset: int
    stopped_reason: str
    accepted_lead: int | None


class Move(msgspec.Struct, frozen=True):
    """From the value that the row holds (`stored`) to the offset after the last record planned."""

    topic: str
    partition: int
    epoch: int
    stored: int
    next_offset: int


def take(cursor: psycopg.Cursor, *, group: str, topic: str, partition: int, earliest: int) -> Position:
    """Make the partition this process's own. `earliest` is where a partition starts that nobody ever consumed."""
    row = cursor.execute(_TAKE, [group, topic, partition, earliest]).fetchone()
    assert row is not None
    return Position(*row)


def read(cursor: psycopg.Cursor, *, group: str, topic: str, partition: int) -> Position | None:
    row = cursor.execute(_READ, [group, topic, partition]).fetchone()
    return Position(*row) if row else None


def move(cursor: psycopg.Cursor, *, group: str, moves: Sequence[Move]) -> list[Partition]:
    """Move all, and return those that were missed (taken by another process, stopped, or moved): then roll back."""
    cursor.execute(
        _MOVE,
        [
            [move.topic for move in moves],
            [move.partition for move in moves],
            [move.epoch for move in moves],
            [move.stored for move in moves],
            [move.next_offset for move in moves],
            group,
        ],
    )
    moved = set(cursor.fetchall())
    return [(move.topic, move.partition) for move in moves if (move.topic, move.partition) not in moved]


def stop(cursor: psycopg.Cursor, *, group: str, topic: str, partition: int, epoch: int, reason: str) -> None:
    """Nobody consumes this partition until `manage.py recover_position` says how to go on."""
    cursor.execute(_STOP, [reason, group, topic, partition, epoch])


def stopped(cursor: psycopg.Cursor, *, group: str) -> set[Partition]:
    return {(str(topic), int(partition)) for topic, partition in cursor.execute(_STOPPED, [group]).fetchall()}
