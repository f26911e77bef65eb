"""The roles that compose and the README make are enough to migrate, to work and to serve people."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from prism.embedded.postgres import Postgres
from tests.clusters import private_root
from tests.databases import CHECKOUT

SCRIPT = CHECKOUT / "docker" / "postgres" / "create-roles.sh"


@pytest.fixture(scope="module")
def bare() -> Iterator[Postgres]:
    """A cluster that knows its superuser only, as the image's volume is at first."""
    root: Path = private_root()
    server = Postgres(root, print, durable=False)
    server.ensure()
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        for statement in ("DROP DATABASE prism", "DROP ROLE prism_owner", "DROP ROLE prism_web"):
            connection.execute(statement)
    yield server
    server.stop()


def test_the_script_makes_what_migrations_need(bare: Postgres) -> None:
    passwords = {"PRISM_OWNER_PASSWORD": "owner's 'word", "PRISM_WEB_PASSWORD": "web-word"}
    programs = bare.programs / "bin"
    reach = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(bare.record.ports["main"]),
        "PGPASSWORD": bare.record.secrets["postgres"],
    }
    script = subprocess.run(
        ["sh", str(SCRIPT)],
        env={**os.environ, **passwords, **reach, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert script.returncode == 0, script.stderr
    port = bare.record.ports["main"]
    services = {
        "DATABASE_URL": f"postgres://prism_owner:owner's%20'word@127.0.0.1:{port}/prism",
        "WEB_DATABASE_URL": f"postgres://prism_web:web-word@127.0.0.1:{port}/prism",
    }
    for command in ("migrate", "ensure_partitions"):
        done = subprocess.run(
            [sys.executable, "manage.py", command],
            cwd=CHECKOUT,
            env={**os.environ, **services},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    with psycopg.connect(services["WEB_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM campaigns").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT count(*) FROM outbox_events")
