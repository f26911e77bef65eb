"""The row that says a process lives, and the heartbeat that keeps it alive (decision 11)."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from psycopg.types.json import Jsonb

from tenants.database import connect

BEAT_S = 2.0
RETRY_S = 0.5

log = structlog.get_logger("prism.dispatching")


class WorkerLostError(Exception):
    """Another process declared this one dead: its batches belong to the reaper, and it must stop."""


def application_name(worker_id: int, thread: str) -> str:
    """How the reaper finds a dead worker's database sessions."""
    return f"prism:{worker_id}:{thread}"


def register(kind: str) -> int:
    """A new worker row; ids are never used twice, so nothing of a dead process can be mistaken for a living one's."""
    with connect(f"prism:{kind}:register") as connection:
        row = connection.execute(
            "INSERT INTO workers (kind, host, pid, state, detail) VALUES (%s, %s, %s, 'running', '{}') RETURNING id",
            [kind, socket.gethostname()[:253], os.getpid()],
        ).fetchone()
    assert row is not None
    return int(row[0])


def retire(worker_id: int) -> None:
    with connect(f"prism:{worker_id}:retire") as connection:
        connection.execute(
            "UPDATE workers SET state = 'stopped', heartbeat_at = clock_timestamp()"
            " WHERE id = %s AND state = 'running'",
            [worker_id],
        )


def beat_every(dead_after_s: float) -> float:
    """Two seconds, and well more than twice in a lease: the reaper judges nobody after a beat of its own was late."""
    return min(BEAT_S, dead_after_s / 5)


class Heartbeat:
    """One beat every `every_s` seconds, and after each the chores given (the reaper). Ends with WorkerLostError."""

    def __init__(
        self,
        worker_id: int,
        detail: Callable[[], dict[str, Any]],
        chores: Callable[[psycopg.Connection], None],
        *,
        every_s: float = BEAT_S,
    ) -> None:
        self._worker_id = worker_id
        self._detail = detail
        self._chores = chores
        self._every_s = every_s
        self._stop = threading.Event()

    def run(self) -> None:
        connection: psycopg.Connection | None = None
        try:
            while not self._stop.is_set():
                try:
                    connection = connection or connect(application_name(self._worker_id, "heartbeat"))
                    self._beat(connection)
                    self._chores(connection)
                except psycopg.OperationalError as error:
                    log.warning("heartbeat_failed", result="failure", error=str(error))
                    if connection is not None:
                        connection.close()
                        connection = None
                    self._stop.wait(RETRY_S)
                else:
                    self._stop.wait(self._every_s)
        finally:
            if connection is not None:
                connection.close()

    def stop(self) -> None:
        self._stop.set()

    def _beat(self, connection: psycopg.Connection) -> None:
        row = connection.execute(
            "UPDATE workers SET heartbeat_at = clock_timestamp(), detail = %s WHERE id = %s AND state = 'running'"
            " RETURNING 1",
            [Jsonb(self._detail()), self._worker_id],
        ).fetchone()
        if row is None:
            raise WorkerLostError(f"worker {self._worker_id} was declared dead")
