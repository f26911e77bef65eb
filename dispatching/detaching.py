"""Weeks of dispatches that are old leave with their children: detached without blocking anybody, then put away.

May be killed at any moment and run again: what is left is seen in the catalogue, not remembered. Weeks count by
"ended before", never by a window, so that a pause strands nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import structlog
from django.conf import settings
from psycopg import sql

from dispatching.partitions import TABLES, partition_name, uuid_floor, week_named
from tenants.database import connect

log = structlog.get_logger("prism.dispatching")

ARCHIVE = "archive"
CHILDREN_FIRST = tuple(reversed(TABLES))
"""A dispatch without its attempts can be read; an attempt without its dispatch tells nothing."""


@dataclass(frozen=True)
class Detached:
    """`kept`: old enough, but something in them is unfinished; each is an alarm."""

    detached: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def detach_partitions(now: dt.datetime | None = None) -> Detached:
    """Take out the weeks whose every row is older than DISPATCH_RETENTION_DAYS and finished.

    They move to the schema `archive`, which only the owner sees, or go for good with DETACHED_PARTITIONS=drop.
    """
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=settings.DISPATCH_RETENTION_DAYS)
    detached: list[str] = []
    kept: list[str] = []
    with _only_one() as connection:
        if connection is None:
            return Detached()
        _finish_pending(connection)
        for week in old_weeks(connection, cutoff):
            (detached if _take_away(connection, week) else kept).append(partition_name("dispatches", week))
    if detached:
        log.info("partitions_detached", partitions=detached, then=settings.DETACHED_PARTITIONS)
    if kept:
        log.error("partitions_unfinished", partitions=kept, result="failure")
    return Detached(tuple(detached), tuple(kept))


def old_weeks(connection: psycopg.Connection, cutoff: dt.datetime) -> list[dt.datetime]:
    """Weeks that ended before the cutoff and of which any table is still here, attached or not; oldest first."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ %s",
        [f"^({'|'.join(TABLES)})_p[0-9]{{8}}$"],
    ).fetchall()
    weeks = {week_named(name) for (name,) in rows}
    return sorted(week for week in weeks if week + dt.timedelta(weeks=1) <= cutoff)


def is_unfinished(connection: psycopg.Connection, week: dt.datetime) -> bool:
    """Whether a dispatch of this week is still to be sent, waits for its moment, or is in a worker's hands."""
    name = partition_name("dispatches", week)
    waiting: sql.Composable = sql.SQL("false")
    if _is_attached(connection, name) is not None:
        waiting = sql.SQL("EXISTS (SELECT 1 FROM {} WHERE status IN ('PENDING', 'SCHEDULED'))").format(
            sql.Identifier("public", name)
        )
    statement = sql.SQL(
        """
        SELECT {} OR EXISTS (SELECT 1 FROM due_dispatches WHERE dispatch_id >= %(low)s AND dispatch_id < %(high)s)
          OR EXISTS (SELECT 1 FROM send_batches b, unnest(b.dispatch_ids) i WHERE i >= %(low)s AND i < %(high)s)
        """
    ).format(waiting)
    row = connection.execute(statement, _bounds(week)).fetchone()
    return bool(row and row[0])


def _take_away(connection: psycopg.Connection, week: dt.datetime) -> bool:
    """False: something is unfinished, and every table of the week is attached as it was."""
    if not is_unfinished(connection, week):
        for table in CHILDREN_FIRST:
            name = partition_name(table, week)
            if _is_attached(connection, name):
                # Without blocking readers or writers of the parent.
                _detach(connection, table, name, how=sql.SQL("CONCURRENTLY"))
        # Once more, now that nobody can reach them: an operator may have replayed one in between.
        if not is_unfinished(connection, week):
            for table in TABLES:
                _put_away(connection, partition_name(table, week))
            return True
    for table in TABLES:
        _attach(connection, table, week)
    return False


def _is_attached(connection: psycopg.Connection, name: str) -> bool | None:
    """None: there is no such table."""
    row = connection.execute(
        "SELECT relispartition FROM pg_class WHERE relname = %s AND relnamespace = 'public'::regnamespace", [name]
    ).fetchone()
    return bool(row[0]) if row else None


def _finish_pending(connection: psycopg.Connection) -> None:
    """A detaching that was cut short forbids the next one of its parent until it is finished."""
    for table in TABLES:
        pending = connection.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass AND i.inhdetachpending",
            [table],
        ).fetchall()
        for (name,) in pending:
            _detach(connection, table, name, how=sql.SQL("FINALIZE"))


def _detach(connection: psycopg.Connection, table: str, name: str, *, how: sql.SQL) -> None:
    statement = sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}")
    connection.execute(statement.format(sql.Identifier(table), sql.Identifier(name), how))


def _attach(connection: psycopg.Connection, table: str, week: dt.datetime) -> None:
    """Detaching concurrently leaves a CHECK with the bounds behind, so this reads no row."""
    name = partition_name(table, week)
    if _is_attached(connection, name) is False:
        low, high = (sql.Literal(str(bound)) for bound in _bounds(week).values())
        statement = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
        connection.execute(statement.format(sql.Identifier(table), sql.Identifier(name), low, high))


def _put_away(connection: psycopg.Connection, name: str) -> None:
    table = sql.Identifier("public", name)
    if settings.DETACHED_PARTITIONS == "drop":
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
        return
    archive = sql.Identifier(ARCHIVE)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(archive))
    connection.execute(sql.SQL("ALTER TABLE IF EXISTS {} SET SCHEMA {}").format(table, archive))


def _bounds(week: dt.datetime) -> dict[str, str]:
    return {"low": str(uuid_floor(week)), "high": str(uuid_floor(week + dt.timedelta(weeks=1)))}


@contextmanager
def _only_one() -> Iterator[psycopg.Connection | None]:
    """A connection, or None where another process is at it; the lock ends with the session."""
    with connect("prism-retention", statement_timeout=120) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(hashtext('prism.detach'))").fetchone()
        yield connection if row == (True,) else None
