"""What one test run shares: the services, the environment of its processes, a name that marks what is its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys

import psycopg
import pytest

from prism.embedded import EmbeddedError, hold
from prism.embedded.services import TEST_ROOT
from tests import brokers, clusters, databases, memory

RUN = "PRISM_TEST_RUN"
ADMIN_URL = "PRISM_TEST_ADMIN_DATABASE_URL"
SPACE = "PRISM_TEST_TABLESPACE"


def begin(config: pytest.Config) -> None:
    """Starts the services unless the environment names others, and sweeps up after runs that were killed."""
    told = contextlib.ExitStack()
    progress = _Progress()
    os.environ |= {"PRISM_ENV": "test", "DJANGO_SETTINGS_MODULE": "prism.settings", RUN: secrets.token_hex(4)}
    try:
        services = told.enter_context(hold(TEST_ROOT, progress, durable=False))
        connection = told.enter_context(psycopg.connect(services.database_url, autocommit=True))
    except (EmbeddedError, psycopg.OperationalError) as error:
        raise pytest.UsageError(str(error)) from None
    config.add_cleanup(told.close)
    progress.silent = True  # pytest's closing line stays the last one
    os.environ |= services.environment()
    os.environ[ADMIN_URL] = services.admin_database_url or services.database_url
    for name in ("SECRET_KEY", "FERNET_KEYS"):
        os.environ.setdefault(name, secrets.token_urlsafe(48))
    # The vendors of these tests listen on 127.0.0.1; the guard itself is tested with the setting turned off.
    os.environ.setdefault("OUTBOUND_ALLOW_PRIVATE", "true")
    mark_alive(connection, os.environ[RUN])
    databases.drop_those_of_dead_runs(connection)
    if services.admin_database_url:
        with psycopg.connect(services.admin_database_url, autocommit=True) as admin:
            os.environ[SPACE] = memory.make_space(admin)
    brokers.drop_topics_of_dead_runs(connection)
    clusters.remove_those_of_dead_runs(connection)


def mark_alive(connection: psycopg.Connection[tuple[object, ...]], run: str) -> None:
    """An advisory lock for as long as this run lives; the server frees it however the run ends."""
    connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (run,))


def is_dead(connection: psycopg.Connection[tuple[object, ...]], run: str) -> bool:
    if run == os.environ[RUN]:
        return False
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (run,)).fetchone()
    if row == (True,):
        connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (run,))
        return True
    return False


class _Progress:
    silent = False

    def __call__(self, line: str) -> None:
        if not self.silent:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - a person waits at a terminal
