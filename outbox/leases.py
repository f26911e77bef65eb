"""Which shards this relay may publish, and until when: leased by the database's clock, split evenly among relays.

A lease is extended well before it ends. This process trusts it only until a moment of its own clock that lies before
the database's: counted from before the statement was sent, less a margin, on CLOCK_BOOTTIME, which also counts while
the machine sleeps or the process is stopped.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]

LEASE_SECONDS = 10.0
MARGIN = 0.2
"""The part of a lease that is never used: what was produced within it reaches the broker before another relay may."""


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS, for development, has only the latter


def boottime() -> float:
    return time.clock_gettime(_CLOCK)


def relay_name() -> str:
    """Host, process and a random part: a pid that comes back after a reboot is another relay."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Lease:
    shard: int
    epoch: int
    deadline: float


SEEN = """
WITH long_gone AS (DELETE FROM outbox_relays WHERE seen_at < clock_timestamp() - interval '1 day' AND name <> %(me)s)
INSERT INTO outbox_relays (name) VALUES (%(me)s) ON CONFLICT (name) DO UPDATE SET seen_at = clock_timestamp()
"""
ALIVE = """
SELECT name FROM outbox_relays WHERE seen_at > clock_timestamp() - %(seconds)s * interval '1 second' OR name = %(me)s
ORDER BY started_at, name
"""
EXTEND = """
UPDATE outbox_shards s SET leased_until = clock_timestamp() + %(seconds)s * interval '1 second'
FROM unnest(%(shards)s::smallint[], %(epochs)s::bigint[]) AS mine (shard, epoch)
WHERE s.shard = mine.shard AND s.epoch = mine.epoch AND s.owner = %(me)s RETURNING s.shard, s.epoch
"""
GIVE_BACK = """
UPDATE outbox_shards SET owner = '', leased_until = clock_timestamp() WHERE owner = %(me)s AND shard = ANY (%(shards)s)
"""
# One's own name on a shard that is not in memory is left from a lease that ran out here: it counts as free.
TAKE = """
UPDATE outbox_shards SET owner = %(me)s, epoch = epoch + 1,
  leased_until = clock_timestamp() + %(seconds)s * interval '1 second'
WHERE shard IN (
  SELECT shard FROM outbox_shards
  WHERE (owner = '' OR leased_until < clock_timestamp() OR owner = %(me)s) AND shard <> ALL (%(shards)s)
  ORDER BY leased_until, shard LIMIT %(count)s FOR UPDATE SKIP LOCKED)
RETURNING shard, epoch
"""


class Leases:
    """The leases of one relay. `held` is what it may publish now; `unwanted` of these go to others once idle."""

    def __init__(self, name: str, *, shards: int, seconds: float, clock: Callable[[], float] = boottime) -> None:
        self.name = name
        self.held: dict[int, Lease] = {}
        self.unwanted: frozenset[int] = frozenset()
        self.complete = False
        self._shards = shards
        self._seconds = seconds
        self._clock = clock

    def holds(self, shard: int) -> bool:
        """Whether this shard may be published at this very moment."""
        lease = self.held.get(shard)
        return lease is not None and self._clock() < lease.deadline

    def lost(self) -> set[int]:
        """Shards whose time ran out here without being extended."""
        now = self._clock()
        return {shard for shard, lease in self.held.items() if now >= lease.deadline}

    def drop(self, shards: Collection[int]) -> None:
        for shard in shards:
            self.held.pop(shard, None)

    def renew(self, connection: Connection, *, busy: Collection[int]) -> None:
        """Show up, extend, hand over what is too much and idle, take what is free and due to this relay."""
        sent = self._clock()
        deadline = sent + self._seconds * (1 - MARGIN)
        with connection.transaction():
            # A lease must not be forgotten by a crash of the database, whatever this session's deletes may be.
            connection.execute("SET LOCAL synchronous_commit = on")
            connection.execute(SEEN, {"me": self.name})
            share = self._share(connection)
            kept = self._extend(connection, deadline)
            surplus = sorted(kept)[share:] if len(kept) > share else []
            given = [shard for shard in surplus if shard not in busy]
            if given:
                connection.execute(GIVE_BACK, {"me": self.name, "shards": given})
            held = {shard: lease for shard, lease in kept.items() if shard not in given}
            if len(held) < share:
                held |= self._take(connection, deadline, already=list(held), count=share - len(held))
        self.held = held
        self.unwanted = frozenset(surplus) - frozenset(given)
        self.complete = len(held) >= share

    def give_all_back(self, connection: Connection) -> None:
        """Leave: others need not wait for the leases to run out."""
        with connection.transaction():
            connection.execute(GIVE_BACK, {"me": self.name, "shards": list(self.held)})
            connection.execute("DELETE FROM outbox_relays WHERE name = %(me)s", {"me": self.name})
        self.held = {}

    def _share(self, connection: Connection) -> int:
        """How many shards are this relay's: the first ones to come get the remainder."""
        rows = connection.execute(ALIVE, {"me": self.name, "seconds": self._seconds}).fetchall()
        names = [row[0] for row in rows]
        each, rest = divmod(self._shards, len(names))
        return each + (1 if names.index(self.name) < rest else 0)

    def _extend(self, connection: Connection, deadline: float) -> dict[int, Lease]:
        parameters = {
            "me": self.name,
            "seconds": self._seconds,
            "shards": list(self.held),
            "epochs": [lease.epoch for lease in self.held.values()],
        }
        rows = connection.execute(EXTEND, parameters).fetchall()
        return {shard: Lease(shard, epoch, deadline) for shard, epoch in rows}

    def _take(self, connection: Connection, deadline: float, *, already: list[int], count: int) -> dict[int, Lease]:
        parameters = {"me": self.name, "seconds": self._seconds, "shards": already, "count": count}
        rows = connection.execute(TAKE, parameters).fetchall()
        return {shard: Lease(shard, epoch, deadline) for shard, epoch in rows}
