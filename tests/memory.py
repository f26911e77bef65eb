"""Test databases in memory, where there is enough. A thousand clones of a thousand files each are made and dropped in
one run, and ext4 looks long for an inode that was not deleted in the last minutes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg
from psycopg import sql

SPACE = "prism_tests"
MEMORY = Path("/dev/shm")  # noqa: S108 - the directory inside of it is the server's alone
ENOUGH = 1 << 30
"""Bytes; a run takes some 100 MB."""


def make_space(admin: psycopg.Connection[tuple[object, ...]]) -> str:
    """The tablespace of the embedded server for test databases; empty where the disk has to do."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ENOUGH:
        return ""
    # Until the connection closes: two runs begin one after the other.
    admin.execute("SELECT pg_advisory_lock(hashtextextended('prism_tests_space', 0))")
    known = admin.execute("SELECT oid FROM pg_tablespace WHERE spcname = %s", (SPACE,)).fetchone()
    place = _place(admin)
    if known and any(place.glob("PG_*")):
        return SPACE
    if known:
        # The machine was started anew: what was in memory is gone.
        names = admin.execute("SELECT datname FROM pg_database WHERE dattablespace = %s", (known[0],)).fetchall()
        for (name,) in names:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(str(name))))
        admin.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(SPACE)))
    place.mkdir(mode=0o700, exist_ok=True)
    server = Path(_shown(admin, "SHOW data_directory")).stat()
    if server.st_uid != os.getuid():
        os.chown(place, server.st_uid, server.st_gid)
    admin.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(sql.Identifier(SPACE), sql.Literal(str(place))))
    admin.execute(sql.SQL("GRANT CREATE ON TABLESPACE {} TO PUBLIC").format(sql.Identifier(SPACE)))
    return SPACE


def _place(admin: psycopg.Connection[tuple[object, ...]]) -> Path:
    """Each server has its own, also one that was set up anew in the same place."""
    return MEMORY / f"prism-tests-{_shown(admin, 'SELECT system_identifier FROM pg_control_system()')}"


def _shown(admin: psycopg.Connection[tuple[object, ...]], question: str) -> str:
    row = admin.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])
