"""Databases of the benchmark: one migrated template with the sample, a fresh clone of it for every round."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from prism.embedded import Services

PREFIX = "bench_"
SHOWN = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_level", "wal_compression",
    "shared_buffers", "work_mem", "wal_buffers", "max_wal_size", "checkpoint_timeout", "jit", "autovacuum_naptime",
)  # fmt: skip


def at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def connect(url: str, database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(at(url, database), autocommit=True, application_name="bench")


def administrator(services: Services) -> psycopg.Connection[Any]:
    """The benchmark's services are always the embedded ones, whose superuser we have."""
    assert services.admin_database_url
    return psycopg.connect(services.admin_database_url, autocommit=True, application_name="bench")


def create(services: Services, name: str, template: str = "template0") -> None:
    with connect(services.database_url, "postgres") as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))


def drop(services: Services, name: str) -> None:
    """As the administrator: the owner may not send an autovacuum worker away that is still in there."""
    with administrator(services) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def clone(services: Services, name: str, template: str) -> Iterator[psycopg.Connection[Any]]:
    """A fresh database for one round, on a checkpointed server; dropped afterwards."""
    create(services, name, template)
    try:
        checkpoint(services)
        with connect(services.database_url, name) as connection:
            yield connection
    finally:
        drop(services, name)


def checkpoint(services: Services) -> None:
    """So that no round pays for the pages of another one."""
    with administrator(services) as connection:
        connection.execute("CHECKPOINT")


def drop_leftovers(services: Services) -> None:
    """Databases of a run that was killed. The caller holds the lock that lets one benchmark run at a time."""
    with connect(services.database_url, "postgres") as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (PREFIX,)
        ).fetchall()
    for (name,) in names:
        drop(services, name)


def settings(services: Services) -> dict[str, str]:
    """The settings that speed depends on, as the server runs with them."""
    with connect(services.database_url, "postgres") as connection:
        rows = connection.execute(
            "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", (list(SHOWN),)
        ).fetchall()
    return dict(rows)


def wal_position(connection: psycopg.Connection[Any]) -> int:
    """Bytes of WAL written since the cluster was made."""
    row = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    assert row
    return int(row[0])
