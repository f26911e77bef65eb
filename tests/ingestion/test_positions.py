"""The position row: taken with a new epoch, moved from what is stored, missed by whoever lost it."""

from __future__ import annotations

import threading

import psycopg
import pytest

from dispatching.database import connect
from ingestion import positions
from ingestion.positions import Move


def take(connection: psycopg.Connection, partition: int = 0, earliest: int = 5) -> positions.Position:
    with connection.cursor() as cursor:
        return positions.take(cursor, group="g", topic="t", partition=partition, earliest=earliest)


def move(connection: psycopg.Connection, *moves: Move) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        return positions.move(cursor, group="g", moves=moves)


def test_a_partition_nobody_consumed_starts_at_the_earliest_and_then_where_it_was_left(
    connection: psycopg.Connection,
) -> None:
    first = take(connection, earliest=5)
    assert (first.epoch, first.next_offset) == (1, 5)
    assert move(connection, Move("t", 0, 1, 5, 9)) == []
    again = take(connection, earliest=7)
    assert (again.epoch, again.next_offset) == (2, 9)


def test_an_old_epoch_moves_nothing(connection: psycopg.Connection) -> None:
    take(connection)
    take(connection)
    assert move(connection, Move("t", 0, 1, 5, 9)) == [("t", 0)]
    assert move(connection, Move("t", 0, 2, 5, 9)) == []


def test_only_the_stored_value_is_moved_from(connection: psycopg.Connection) -> None:
    take(connection)
    assert move(connection, Move("t", 0, 1, 4, 9)) == [("t", 0)]
    assert move(connection, Move("t", 0, 1, 5, 9), Move("t", 1, 1, 0, 1)) == [("t", 1)]


def test_a_stopped_partition_is_not_moved(connection: psycopg.Connection) -> None:
    take(connection)
    with connection.cursor() as cursor:
        positions.stop(cursor, group="g", topic="t", partition=0, epoch=1, reason="because")
        assert positions.stopped(cursor, group="g") == {("t", 0)}
    assert move(connection, Move("t", 0, 1, 5, 9)) == [("t", 0)]
    assert take(connection).stopped_reason == "because"


def test_two_that_take_at_once_get_different_epochs(connection: psycopg.Connection) -> None:
    found: list[int] = []

    def take_often() -> None:
        with connect("prism:test:taker") as own:
            found.extend(take(own).epoch for _ in range(25))

    threads = [threading.Thread(target=take_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 101))


def test_a_take_waits_for_a_move_under_way_and_sees_its_end(connection: psycopg.Connection) -> None:
    take(connection)
    found: list[positions.Position] = []

    def take_there() -> None:
        with connect("prism:test:taker") as own:
            found.append(take(own))

    thread = threading.Thread(target=take_there)
    with connection.transaction():
        assert move(connection, Move("t", 0, 1, 5, 9)) == []
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(10)
    assert (found[0].epoch, found[0].next_offset) == (2, 9)


@pytest.mark.parametrize(("end", "left"), [(7, 8), (8, None), (9, None)])
def test_an_accepted_lead_is_forgotten_when_we_have_caught_up(
    connection: psycopg.Connection, end: int, left: int | None
) -> None:
    take(connection)
    connection.execute("UPDATE consumer_positions SET accepted_lead = 8")
    move(connection, Move("t", 0, 1, 5, end))
    with connection.cursor() as cursor:
        row = positions.read(cursor, group="g", topic="t", partition=0)
    assert row is not None
    assert row.accepted_lead == left
