"""Old weeks leave whole and finished, whatever is killed on the way, and nobody is blocked meanwhile."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError, transaction
from django.db import connection as django_connection
from psycopg import sql
from pytest_django.fixtures import Settings

from dispatching import detaching
from dispatching.detaching import detach_partitions
from dispatching.ids import mint_ids
from dispatching.models import Attempt, AwaitedReport, Dispatch, OverdueDelivery, ProviderMessage
from dispatching.partitions import TABLES, ensure_partitions, existing_partitions, partition_name, week_of
from dispatching.polling import follow_reports
from dispatching.retention import clean_unsettled
from dispatching.statuses import Status
from tests.factories import DispatchFactory, DueDispatchFactory

pytestmark = pytest.mark.django_db(transaction=True)

NOW = dt.datetime.now(dt.UTC)
OLD = week_of(NOW - dt.timedelta(days=110)) + dt.timedelta(days=2)
NAMES = {table: partition_name(table, week_of(OLD)) for table in TABLES}


@pytest.fixture
def old_weeks(transactional_db: None) -> None:
    with transaction.atomic():
        ensure_partitions(django_connection, OLD, weeks_ahead=0)


def old_dispatch(status: Status = Status.SENT) -> Dispatch:
    identifier = uuid.UUID(mint_ids(OLD, 1)[0])
    dispatch: Dispatch = DispatchFactory(id=identifier, status=status, triggered_at=OLD)
    Attempt.objects.create(
        dispatch_id=dispatch.id, id=uuid.uuid4(), tenant=dispatch.tenant, number=1, outcome="rejected", created_at=OLD
    )
    ProviderMessage.objects.create(key=uuid.uuid4(), dispatch_id=dispatch.id, tenant=dispatch.tenant)
    return dispatch


def place_of(name: str) -> str | None:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = %s", [name])
        row = cursor.fetchone()
    return row[0] if row else None


def attached() -> set[str]:
    return {name for table in NAMES for name in existing_partitions(django_connection, table)} & set(NAMES.values())


def run_sql(statement: str) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_finished_old_week_moves_to_the_archive_with_its_children(old_weeks: None) -> None:
    kept, gone = DispatchFactory(), old_dispatch()
    done = detach_partitions()
    assert NAMES["dispatches"] in done.detached
    assert done.kept == ()
    assert attached() == set()
    assert {place_of(name) for name in NAMES.values()} == {"archive"}
    assert list(Dispatch.objects.values_list("id", flat=True)) == [kept.id]
    assert not Attempt.objects.exists()
    assert not ProviderMessage.objects.exists()
    with django_connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT id FROM archive.{}")
            .format(sql.Identifier(NAMES["dispatches"]))
            .as_string(cursor.connection)
        )
        assert cursor.fetchall() == [(gone.id,)]
    assert detach_partitions() == detaching.Detached()


def test_the_web_role_cannot_look_into_the_archive(old_weeks: None) -> None:
    old_dispatch()
    detach_partitions()
    with transaction.atomic(), django_connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE prism_web")
        with pytest.raises(ProgrammingError, match="permission denied for schema archive"):
            cursor.execute(f"SELECT * FROM archive.{NAMES['dispatches']}")


def test_with_drop_it_is_gone_for_good(old_weeks: None, settings: Settings) -> None:
    settings.DETACHED_PARTITIONS = "drop"
    old_dispatch()
    detach_partitions()
    assert {place_of(name) for name in NAMES.values()} == {None}


def test_weeks_within_the_retention_stay(old_weeks: None, settings: Settings) -> None:
    settings.DISPATCH_RETENTION_DAYS = 100
    old_dispatch()
    its_end = week_of(OLD) + dt.timedelta(weeks=1)
    detach_partitions(its_end + dt.timedelta(days=100, seconds=-1))
    assert attached() == set(NAMES.values())
    detach_partitions(its_end + dt.timedelta(days=100))
    assert attached() == set()


@pytest.mark.parametrize("status", [Status.PENDING, Status.SCHEDULED])
def test_a_week_with_an_unfinished_dispatch_stays_whole_and_is_an_alarm(
    old_weeks: None, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    old_dispatch(status)
    assert detach_partitions().kept == (NAMES["dispatches"],)
    assert attached() == set(NAMES.values())
    assert "partitions_unfinished" in caplog.text
    with pytest.raises(CommandError, match=NAMES["dispatches"]):
        call_command("detach_partitions")


def test_a_due_row_alone_keeps_its_week(old_weeks: None) -> None:
    DueDispatchFactory(dispatch=old_dispatch())
    assert detach_partitions().kept == (NAMES["dispatches"],)


def test_a_dispatch_replayed_at_the_last_moment_brings_its_week_back(
    old_weeks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = old_dispatch(Status.FAILED)
    original = detaching._detach

    def replay_before_the_parent(connection: psycopg.Connection, table: str, name: str, *, how: sql.SQL) -> None:
        if name == NAMES["dispatches"]:
            Dispatch.objects.filter(id=dispatch.id).update(status=Status.PENDING)
        original(connection, table, name, how=how)

    monkeypatch.setattr(detaching, "_detach", replay_before_the_parent)
    assert NAMES["dispatches"] in detach_partitions().kept
    assert attached() == set(NAMES.values())
    assert Dispatch.objects.get(id=dispatch.id).status == Status.PENDING


@pytest.mark.parametrize("broken_off_after", ["attempts detached", "both detached", "dispatches put away"])
def test_what_a_killed_run_left_half_done_is_finished(old_weeks: None, broken_off_after: str) -> None:
    old_dispatch()
    run_sql(f"ALTER TABLE attempts DETACH PARTITION {NAMES['attempts']} CONCURRENTLY")
    if broken_off_after != "attempts detached":
        run_sql(f"ALTER TABLE dispatches DETACH PARTITION {NAMES['dispatches']} CONCURRENTLY")
    if broken_off_after == "dispatches put away":
        run_sql("CREATE SCHEMA archive")
        run_sql(f"ALTER TABLE {NAMES['dispatches']} SET SCHEMA archive")
    assert NAMES["dispatches"] in detach_partitions().detached
    assert {place_of(name) for name in NAMES.values()} == {"archive"}


def test_what_a_killed_run_detached_comes_back_if_something_in_it_is_unfinished(old_weeks: None) -> None:
    old_dispatch(Status.PENDING)
    run_sql(f"ALTER TABLE attempts DETACH PARTITION {NAMES['attempts']} CONCURRENTLY")
    assert detach_partitions().kept == (NAMES["dispatches"],)
    assert attached() == set(NAMES.values())


def test_a_detaching_that_was_cut_short_is_finalised(old_weeks: None, connection: psycopg.Connection) -> None:
    """A reader of the parent holds it up; its time-out ends the statement and leaves the partition half detached."""
    old_dispatch()
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM dispatches")
    run_sql("SET statement_timeout = '300ms'")
    with pytest.raises(OperationalError, match="statement timeout"):
        run_sql(f"ALTER TABLE dispatches DETACH PARTITION {NAMES['dispatches']} CONCURRENTLY")
    run_sql("RESET statement_timeout")
    connection.execute("COMMIT")
    assert NAMES["dispatches"] in detach_partitions().detached
    assert {place_of(name) for name in NAMES.values()} == {"archive"}


def test_writers_go_on_while_a_long_reader_holds_the_detaching_up(
    old_weeks: None, connection: psycopg.Connection
) -> None:
    old_dispatch()
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM dispatches")
    worker = threading.Thread(target=detach_partitions)
    worker.start()
    worker.join(1)
    assert worker.is_alive()
    with transaction.atomic(), django_connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        DispatchFactory()
    connection.execute("COMMIT")
    worker.join(30)
    assert not worker.is_alive()
    assert attached() == set()


def test_two_runs_at_once_do_not_disturb_each_other(old_weeks: None, connection: psycopg.Connection) -> None:
    old_dispatch()
    connection.execute("SELECT pg_advisory_lock(hashtext('prism.detach'))")
    assert detach_partitions() == detaching.Detached()
    assert attached() == set(NAMES.values())


def test_an_owed_report_holds_no_week_up_and_ends_with_it(old_weeks: None) -> None:
    dispatch = old_dispatch()
    assert dispatch.provider_id
    AwaitedReport.objects.create(
        dispatch_id=dispatch.pk, tenant=dispatch.tenant, provider_id=dispatch.provider_id, look_at=NOW
    )
    OverdueDelivery.objects.create(
        dispatch=dispatch, tenant=dispatch.tenant, provider_id=dispatch.provider_id, since=OLD
    )
    done = detach_partitions()
    assert (NAMES["dispatches"] in done.detached, done.kept) == (True, ())
    follow_reports(max_seconds=10)
    clean_unsettled()
    assert not AwaitedReport.objects.exists()
    assert not OverdueDelivery.objects.exists()
