"""Who may publish which shard: evenly split, taken over when a relay falls silent, never held by two."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from outbox import waiting
from outbox.leases import Leases
from tenants.database import connect
from tests.outbox import facts

Connection = psycopg.Connection[Any]


class Clock:
    """The process's own clock, set by the test; it starts where the real one is."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def other(transactional_db: None) -> Iterator[Connection]:
    with connect("prism-test") as opened:
        yield opened


def relay(name: str, seconds: float = 30, clock: Clock | None = None) -> Leases:
    return Leases(name, shards=8, seconds=seconds, clock=clock or Clock())


def settle(connection: Connection, *relays: Leases) -> list[list[int]]:
    """A few rounds of renewal, as all relays do all the time."""
    for _round in range(3):
        for one in relays:
            one.renew(connection, busy=())
    return [sorted(one.held) for one in relays]


def test_a_lone_relay_holds_every_shard(connection: Connection) -> None:
    assert settle(connection, relay("a")) == [list(range(8))]


@pytest.mark.parametrize(("count", "shares"), [(2, [4, 4]), (3, [3, 3, 2]), (5, [2, 2, 2, 1, 1]), (9, [1] * 8 + [0])])
def test_relays_split_the_shards_evenly_and_each_shard_has_one(
    connection: Connection, count: int, shares: list[int]
) -> None:
    relays = [relay(f"relay-{n}") for n in range(count)]
    held = settle(connection, *relays)
    assert [len(shards) for shards in held] == shares
    assert sorted(shard for shards in held for shard in shards) == list(range(8))


def test_a_busy_shard_is_handed_over_only_once_it_is_idle(connection: Connection) -> None:
    first, second = relay("a"), relay("b")
    first.renew(connection, busy=())
    second.renew(connection, busy=())
    first.renew(connection, busy=range(8))
    assert sorted(first.held) == list(range(8))
    assert len(first.unwanted) == 4
    first.renew(connection, busy=())
    second.renew(connection, busy=())
    assert len(first.held) == len(second.held) == 4
    assert not set(first.held) & set(second.held)


def test_the_shards_of_a_relay_that_leaves_are_free_at_once(connection: Connection) -> None:
    first, second = relay("a"), relay("b")
    settle(connection, first, second)
    first.give_all_back(connection)
    assert settle(connection, second) == [list(range(8))]


def test_a_silent_relay_loses_its_shards_after_its_lease_and_knows_it_before_others_do(connection: Connection) -> None:
    clock = Clock()
    silent, other = relay("silent", 1.0, clock), relay("other", 1.0)
    silent.renew(connection, busy=())
    other.renew(connection, busy=())
    assert other.held == {}
    clock.ahead = 0.85
    assert not any(silent.holds(shard) for shard in range(8))
    assert silent.lost() == set(range(8))
    time.sleep(1.1)
    other.renew(connection, busy=())
    assert len(other.held) == 8
    silent.renew(connection, busy=())
    assert silent.held == {}


def test_each_taking_of_a_shard_has_a_higher_epoch(connection: Connection) -> None:
    first, second = relay("a"), relay("b")
    first.renew(connection, busy=())
    first.give_all_back(connection)
    second.renew(connection, busy=())
    assert {lease.epoch for lease in second.held.values()} == {2}


def test_a_read_with_a_lost_lease_finds_nothing(connection: Connection) -> None:
    facts.write(connection, facts.numbered(["x"], [1]))
    first, second = relay("a", 0.2), relay("b")
    first.renew(connection, busy=())
    claims = [waiting.Claim(shard, lease.epoch, 0) for shard, lease in first.held.items()]
    assert waiting.read(connection, owner="a", claims=claims, rows=10)
    time.sleep(0.3)
    assert waiting.read(connection, owner="a", claims=claims, rows=10) == {}
    second.renew(connection, busy=())
    assert waiting.read(connection, owner="a", claims=claims, rows=10) == {}


def test_two_relays_that_renew_at_the_same_moment_never_hold_the_same_shard(
    connection: Connection, other: Connection
) -> None:
    first, second = relay("a"), relay("b")
    with connection.transaction():
        first.renew(connection, busy=())
        # The first one's rows are locked and not committed: they are passed over, not waited for.
        second.renew(other, busy=())
        assert not set(first.held) & set(second.held)


def test_a_relay_that_was_never_heard_of_again_is_forgotten(connection: Connection) -> None:
    relay("old").renew(connection, busy=())
    connection.execute("UPDATE outbox_relays SET seen_at = now() - interval '2 days'")
    relay("new").renew(connection, busy=())
    assert connection.execute("SELECT name FROM outbox_relays").fetchall() == [("new",)]
