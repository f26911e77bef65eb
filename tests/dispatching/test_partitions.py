"""Weekly partitions: made ahead, found missing, and what PostgreSQL says of an id outside them."""

from __future__ import annotations

import datetime as dt
import uuid

import psycopg
import pytest
from django.db import connection as django_connection
from hypothesis import given
from hypothesis import strategies as st

from dispatching.ids import mint_ids
from dispatching.partitions import (
    TABLES,
    adopt_weeks,
    ensure_partitions,
    existing_partitions,
    make_partitions,
    missing_partitions,
    moment_of,
    partition_name,
    uuid_floor,
    week_named,
    week_of,
)

MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001  (hypothesis wants naive bounds)


@given(moment=MOMENTS, count=st.integers(1, 50))
def test_an_id_tells_its_moment_and_lies_in_its_weeks_partition(moment: dt.datetime, count: int) -> None:
    identifiers = [uuid.UUID(text) for text in mint_ids(moment, count)]
    assert len(set(identifiers)) == count
    assert identifiers == sorted(identifiers)
    assert {identifier.version for identifier in identifiers} == {7}
    assert abs(moment_of(identifiers[0]) - moment) < dt.timedelta(milliseconds=1)
    week = week_of(moment)
    assert week.weekday() == 0
    assert uuid_floor(week) <= identifiers[0] < uuid_floor(week + dt.timedelta(weeks=1))


@pytest.mark.django_db
def test_partitions_are_made_ahead_and_again_changes_nothing() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(weeks=10)
    assert missing_partitions(django_connection, later), "the alarm: nobody made these weeks yet"
    made = ensure_partitions(django_connection, later)
    assert len(made.created) == 6 * len(TABLES)
    assert made.missing == ()
    assert ensure_partitions(django_connection, later).created == ()
    for table in TABLES:
        assert partition_name(table, week_of(later)) in existing_partitions(django_connection, table)


@pytest.mark.django_db
def test_a_child_that_a_migration_makes_gets_every_week_of_its_parent() -> None:
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(weeks=20)
    make_partitions(django_connection, "dispatches", [week_of(long_ago)])
    with django_connection.cursor() as cursor:
        for name in existing_partitions(django_connection, "attempts"):
            cursor.execute(f"DROP TABLE {name}")
    adopt_weeks(django_connection, "attempts")
    weeks = {
        table: {week_named(name) for name in existing_partitions(django_connection, table)}
        for table in ("dispatches", "attempts")
    }
    assert week_of(long_ago) in weeks["attempts"]
    assert weeks["attempts"] == weeks["dispatches"]


@pytest.mark.django_db
def test_a_partition_is_born_with_room_for_hot_updates_and_with_all_indexes() -> None:
    name = partition_name("dispatches", week_of(dt.datetime.now(dt.UTC)))
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = %s", [name])
        assert cursor.fetchone() == (["fillfactor=50"],)
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = %s", [name])
        assert cursor.fetchone() == (5,)


def test_a_missing_partition_is_our_fault_and_has_no_constraint_name(connection: psycopg.Connection) -> None:
    far = mint_ids(dt.datetime(2070, 1, 1, tzinfo=dt.UTC), 1)[0]
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        connection.execute(
            "INSERT INTO dispatches (id, tenant_id, trigger_id, correlation_id, channel, dispatch_mode, status,"
            " triggered_at, received_at, created_at)"
            " VALUES (%s, 1, %s, 'c', 'SMS', 'SYNC', 'PENDING', now(), now(), now())",
            [far, far],
        )
    assert caught.value.diag.constraint_name is None


def test_no_index_names_a_column_that_changes(connection: psycopg.Connection) -> None:
    changing = {
        "status", "reason", "error_message", "provider_message_id", "provider_response", "version", "attempts",
        "dispatched_at", "returned_at", "scheduled_for", "scheduled_local", "not_after",
    }  # fmt: skip
    rows = connection.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indrelid = 'dispatches'::regclass"
    ).fetchall()
    assert rows
    assert changing.isdisjoint(row[0] for row in rows)
