"""Raw connections of workers."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import connection as django_connection

from tenants.database import connect

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_raw_connection_reaches_the_database_that_django_uses_also_from_another_thread() -> None:
    django_connection.ensure_connection()
    found: list[str] = []

    def look() -> None:
        with connect("prism-test") as raw:
            found.append(raw.info.dbname)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [django_connection.settings_dict["NAME"]]


def test_it_is_in_autocommit_and_utc_and_carries_its_name() -> None:
    with connect("prism-relay", synchronous_commit="off") as raw:
        assert raw.autocommit
        names = ("application_name", "TimeZone", "synchronous_commit")
        found = [raw.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
        assert found == [("prism-relay",), ("UTC",), ("off",)]


def test_a_statement_that_takes_too_long_is_ended() -> None:
    with connect("prism-test", statement_timeout=0.05) as raw, pytest.raises(psycopg.errors.QueryCanceled):
        raw.execute("SELECT pg_sleep(5)")


def test_a_lock_that_is_not_had_in_time_is_given_up() -> None:
    with connect("prism-test") as holder, connect("prism-test", lock_timeout=0.05) as waiter, holder.transaction():
        holder.execute("LOCK TABLE outbox_shards IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            waiter.execute("SELECT * FROM outbox_shards")


def test_a_session_that_idles_in_a_transaction_is_ended() -> None:
    with connect("prism-test", idle_in_transaction_timeout=0.05) as raw:
        raw.execute("BEGIN")
        threading.Event().wait(0.5)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            raw.execute("SELECT 1")


def test_json_comes_back_as_python_values() -> None:
    with connect("prism-test") as raw:
        row = raw.execute("""SELECT '{"a": [1, 2.5, null, "ç"]}'::jsonb""").fetchone()
        assert row == ({"a": [1, 2.5, None, "ç"]},)
