"""Whether this process can do its work now: database, migrations, partitions."""

from __future__ import annotations

import datetime as dt
import threading

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from dispatching.partitions import missing_partitions

_migrated = threading.Event()
"""Migrations never go away under a running process, so it is asked until the first yes."""


def problems() -> list[str]:
    """What keeps this process from its work, in words; empty when it is ready."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        waiting = unapplied_migrations()
        if waiting:
            return [f"{len(waiting)} migrations are not applied, the first is {waiting[0]}: run manage.py migrate"]
        missing = missing_partitions(connection, dt.datetime.now(dt.UTC), weeks_ahead=0)
    except DatabaseError as error:
        # Without its address: anybody may ask this.
        return [f"the database does not answer: {type(error).__name__}"]
    if missing:
        return [f"partitions are missing ({', '.join(missing)}): run manage.py ensure_partitions"]
    return []


def unapplied_migrations() -> list[str]:
    if _migrated.is_set():
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        _migrated.set()
    return [str(migration) for migration, _backwards in plan]
