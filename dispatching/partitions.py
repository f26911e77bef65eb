"""Weekly partitions of `dispatches` and its children, made ahead, detached when old (decision 17).

A week starts on Monday 00:00 UTC. A partition's bounds are UUIDv7 floors: ids carry the milliseconds of the
database clock, so an id tells its week. Each is built alone and then attached, which never blocks readers.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("dispatches", "attempts", "provider_messages", "delivery_receipts")
"""The parent first: its children have its bounds and leave before it."""
WEEKS_AHEAD = 4


def uuid_floor(moment: dt.datetime) -> uuid.UUID:
    """The smallest UUIDv7 that a row made at this moment can have."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def moment_of(identifier: uuid.UUID) -> dt.datetime:
    """When a UUIDv7 was minted, to the millisecond, UTC."""
    return dt.datetime.fromtimestamp((identifier.int >> 80) / 1000, dt.UTC)


def week_of(moment: dt.datetime) -> dt.datetime:
    day = moment.astimezone(dt.UTC).date()
    monday = day - dt.timedelta(days=day.weekday())
    return dt.datetime(monday.year, monday.month, monday.day, tzinfo=dt.UTC)


def partition_name(table: str, week: dt.datetime) -> str:
    return f"{table}_p{week:%Y%m%d}"


def week_named(partition: str) -> dt.datetime:
    return dt.datetime.strptime(partition[-8:], "%Y%m%d").replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Coverage:
    """Which weeks from now on have their partitions. `missing` is empty when all is well."""

    created: tuple[str, ...]
    missing: tuple[str, ...]


def wanted_weeks(now: dt.datetime, weeks_ahead: int = WEEKS_AHEAD) -> list[dt.datetime]:
    """Last week (a clock may step back), this week, and `weeks_ahead` more."""
    this = week_of(now)
    return [this + dt.timedelta(weeks=offset) for offset in range(-1, weeks_ahead + 1)]


def existing_partitions(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(%s)",
            [table],
        )
        return {row[0] for row in cursor.fetchall()}


def missing_partitions(connection: BaseDatabaseWrapper, now: dt.datetime, weeks_ahead: int = WEEKS_AHEAD) -> list[str]:
    """Names of the partitions that should be there and are not (the alarm that doctor and /readyz raise)."""
    return [
        name
        for table in TABLES
        for week in wanted_weeks(now, weeks_ahead)[1:]
        if (name := partition_name(table, week)) not in existing_partitions(connection, table)
    ]


def ensure_partitions(connection: BaseDatabaseWrapper, now: dt.datetime, weeks_ahead: int = WEEKS_AHEAD) -> Coverage:
    """Make what is missing. Safe to run at any time, by several at once, and again."""
    weeks = wanted_weeks(now, weeks_ahead)
    created = [name for table in TABLES for name in make_partitions(connection, table, weeks)]
    return Coverage(created=tuple(created), missing=tuple(missing_partitions(connection, now, weeks_ahead)))


def make_partitions(connection: BaseDatabaseWrapper, table: str, weeks: Iterable[dt.datetime]) -> list[str]:
    """The partitions of these weeks that one table has not yet. Returns their names."""
    created = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('prism.partitions'))")
        present = existing_partitions(connection, table)
        for week in weeks:
            name = partition_name(table, week)
            if name not in present:
                for statement in _statements(table, name, week):
                    cursor.execute(statement)
                created.append(name)
    return created


def adopt_weeks(connection: BaseDatabaseWrapper, child: str) -> list[str]:
    """For the migration that makes a child: every week that `dispatches` has now, also those long planned."""
    return make_partitions(connection, child, sorted(map(week_named, existing_partitions(connection, "dispatches"))))


def _statements(table: str, name: str, week: dt.datetime) -> list[str]:
    """Names and bounds are ours (no outside text), hence no parameters, which DDL does not take."""
    low, high = uuid_floor(week), uuid_floor(week + dt.timedelta(weeks=1))
    key = "id" if table == "dispatches" else "dispatch_id"
    storage = "WITH (fillfactor = 50)" if table == "dispatches" else ""
    return [
        # Left over from a run that was killed between building and attaching.
        f"DROP TABLE IF EXISTS {name}",
        f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) {storage}",
        f"ALTER TABLE {name} ADD CONSTRAINT {name}_bounds CHECK ({key} >= '{low}' AND {key} < '{high}')",
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')",
        f"ALTER TABLE {name} DROP CONSTRAINT {name}_bounds",
    ]
