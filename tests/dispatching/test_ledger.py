"""The ledger: what is new, what is not, and that no two batches ever wait for each other crosswise."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import psycopg
import pytest

from dispatching.database import connect
from dispatching.ids import mint_ids
from dispatching.ledger import Entry, Taken, take_keys

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


def entry(key: uuid.UUID | None = None, *, digest: int = 1, rejected: bool = False) -> Entry:
    return Entry((key or uuid.uuid4()).hex, 1, mint_ids(NOW, 1)[0], digest, rejected)


def take(connection: psycopg.Connection, *entries: Entry) -> Taken:
    with connection.transaction(), connection.cursor() as cursor:
        return take_keys(cursor, entries, NOW)


def test_of_equal_keys_in_one_batch_the_first_counts(connection: psycopg.Connection) -> None:
    key = uuid.uuid4()
    taken = take(connection, entry(key), entry(), entry(key), entry(key, digest=2))
    assert (taken.new, taken.repeated, taken.other_payload) == ([0, 1], [2], [3])


def test_a_key_seen_before_is_repeated_and_one_with_another_payload_is_told(connection: psycopg.Connection) -> None:
    key = uuid.uuid4()
    take(connection, entry(key))
    taken = take(connection, entry(key), entry(), entry(key, digest=9))
    assert (taken.new, taken.repeated, taken.other_payload) == ([1], [0], [2])


def test_a_rejected_key_is_taken_over_once(connection: psycopg.Connection) -> None:
    key = uuid.uuid4()
    assert take(connection, entry(key, rejected=True)).new == [0]
    assert take(connection, entry(key, rejected=True)).new == [0], "rejected again: told again"
    assert take(connection, entry(key, digest=5)).new == [0]
    assert take(connection, entry(key, digest=5)).repeated == [0]
    assert take(connection, entry(key, digest=5, rejected=True)).repeated == [0], "an accepted event stays accepted"


def test_in_one_batch_an_accepted_event_counts_before_a_rejected_one_of_the_same_key(
    connection: psycopg.Connection,
) -> None:
    key = uuid.uuid4()
    taken = take(connection, entry(key, rejected=True), entry(key, digest=2), entry(key, digest=2))
    assert (taken.new, taken.repeated) == ([0, 1], [2])


@pytest.mark.usefixtures("transactional_db")
def test_overlapping_batches_in_opposite_order_never_deadlock_and_each_key_is_new_once() -> None:
    keys = [uuid.uuid4() for _ in range(300)]
    won: list[int] = []
    failures: list[BaseException] = []

    def run(ordered: list[uuid.UUID]) -> None:
        try:
            with connect("prism:test:ledger") as own:
                won.append(len(take(own, *[entry(key) for key in ordered]).new))
        except BaseException as error:  # noqa: BLE001  (the thread's failure is the test's)
            failures.append(error)

    threads = [threading.Thread(target=run, args=(order,)) for order in (keys, keys[::-1], keys[150:] + keys[:150])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert sum(won) == len(keys)
