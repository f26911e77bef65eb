"""The narrow table of what may want a person never disagrees with the history."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest

from dispatching.ids import mint_ids
from dispatching.retention import clean_unsettled

NOW = dt.datetime.now(dt.UTC)
INSERT = """
INSERT INTO dispatches (id, tenant_id, trigger_id, correlation_id, channel, dispatch_mode, status, reason, triggered_at,
  received_at, created_at)
SELECT id, 1, id, id::text, 'SMS', 'SYNC', %s, 'R', now(), now(), now() FROM unnest(%s::uuid[]) AS id
"""


def made(connection: psycopg.Connection, status: str, count: int = 1) -> list[str]:
    ids = mint_ids(NOW, count)
    connection.execute(INSERT, [status, ids])
    return ids


def unsettled(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT status, reason FROM unsettled_dispatches ORDER BY dispatch_id").fetchall()


@pytest.mark.parametrize("status", ["FAILED", "UNKNOWN"])
def test_a_dispatch_that_ends_badly_stands_there_until_it_is_settled(
    connection: psycopg.Connection, status: str
) -> None:
    made(connection, "PENDING")
    assert unsettled(connection) == []
    connection.execute("UPDATE dispatches SET status = %s, reason = 'WHY'", [status])
    assert unsettled(connection) == [(status, "WHY")]
    connection.execute("UPDATE dispatches SET status = 'PENDING', reason = ''")
    assert unsettled(connection) == []


def test_it_moves_with_the_history_from_one_bad_state_to_the_other(connection: psycopg.Connection) -> None:
    made(connection, "PENDING")
    connection.execute("UPDATE dispatches SET status = 'UNKNOWN', reason = 'TIMEOUT'")
    connection.execute("UPDATE dispatches SET status = 'FAILED', reason = 'NO'")
    assert unsettled(connection) == [("FAILED", "NO")]


def test_rows_that_are_written_in_such_a_state_are_there_at_once_and_others_never(
    connection: psycopg.Connection,
) -> None:
    for status in ("SENT", "CONTROL_GROUP", "REFUSED", "EXPIRED", "CANCELLED", "SCHEDULED", "UNKNOWN"):
        made(connection, status)
    assert unsettled(connection) == [("UNKNOWN", "R")]


def test_partitions_made_later_keep_it_too(connection: psycopg.Connection) -> None:
    triggers = connection.execute(
        "SELECT count(*) FROM pg_trigger t JOIN pg_inherits i ON i.inhrelid = t.tgrelid"
        " WHERE i.inhparent = 'dispatches'::regclass AND t.tgname IN ('unsettled_made', 'unsettled_moved')"
    ).fetchone()
    partitions = connection.execute(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'dispatches'::regclass"
    ).fetchone()
    assert triggers
    assert partitions
    assert triggers[0] == 2 * partitions[0]


def test_old_ones_leave_the_lists_and_not_the_history(connection: psycopg.Connection) -> None:
    old, new = mint_ids(NOW - dt.timedelta(days=6), 1), mint_ids(NOW, 1)
    for ids in (old, new):
        connection.execute(INSERT, ["FAILED", ids])
    later = NOW + dt.timedelta(days=10)
    connection.execute("UPDATE unsettled_dispatches SET since = now() - interval '6 days' WHERE dispatch_id = %s", old)
    assert clean_unsettled(later) == 1
    left = connection.execute("SELECT dispatch_id::text FROM unsettled_dispatches").fetchall()
    assert left == [(new[0],)]
    assert connection.execute("SELECT count(*) FROM dispatches WHERE status = 'FAILED'").fetchone() == (2,)
