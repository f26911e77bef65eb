"""Keeps one django-q2 cluster alive: starts it, watches the queue's heartbeat, and replaces a cluster that stalls.

Killing an idle worker of django-q2 can stall its whole cluster for ever, and SIGTERM to its process group hangs it
(upstream issues 23 and 339). So the cluster gets a process group of its own, SIGTERM goes to its parent alone, and
a cluster without a heartbeat is killed as a group and started again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import structlog

from tenants.database import connect

log = structlog.get_logger("prism.worker")

CHECK_SECONDS = 5.0
SHORTEST_LIFE = 10.0
MOST_SHORT_LIVES = 5
LONGEST_PAUSE = 30.0
PR_SET_PDEATHSIG = 1

# Any job's start or end is a sign: a queue that is busy with long jobs is not stalled.
LIFE = """
SELECT extract(epoch FROM clock_timestamp() - max(GREATEST(started_at, finished_at)))::float8 FROM job_states
"""


class ClusterDoesNotStartError(Exception):
    """The cluster ended again and again right after its start."""


@dataclass(frozen=True)
class Patience:
    """Seconds: without a sign of life before a cluster is replaced, and for a clean stop before it is killed."""

    stale_after: float = 180.0
    stop_within: float = 70.0


class Watchdog:
    """`run` returns once asked to `stop`; raises ClusterDoesNotStartError when starting makes no sense any more."""

    def __init__(self, command: Sequence[str], patience: Patience) -> None:
        self._command = list(command)
        self._patience = patience
        self._asked = threading.Event()
        self._cluster: subprocess.Popen[bytes] | None = None
        self._trusted_since = 0.0
        self._short_lives = 0

    def stop(self) -> None:
        self._asked.set()

    def run(self) -> None:
        while not self._asked.is_set():
            started = time.monotonic()
            cluster = self._start()
            self._watch(cluster)
            if self._asked.is_set():
                self._end(cluster)
                return
            kill_group(cluster)
            self._pause_after(time.monotonic() - started)

    def _start(self) -> subprocess.Popen[bytes]:
        cluster = subprocess.Popen(self._command, start_new_session=True)
        self._trusted_since = time.monotonic()
        log.info("cluster_started", pid=cluster.pid)
        return cluster

    def _watch(self, cluster: subprocess.Popen[bytes]) -> None:
        """Until it ends, stalls, or is to be stopped."""
        while not self._asked.wait(min(CHECK_SECONDS, self._patience.stale_after / 4)):
            if cluster.poll() is not None:
                log.error("cluster_ended", returncode=cluster.returncode, result="failure")
                return
            if self._is_stalled():
                log.error("cluster_stalled", seconds=self._patience.stale_after, result="failure")
                return

    def _is_stalled(self) -> bool:
        """No sign of life for long enough, while the database could have told us of one."""
        try:
            silent = seconds_since_life()
        except psycopg.Error as error:
            log.warning("database_lost", error=str(error).strip())
            self._trusted_since = time.monotonic()
            return False
        watched = time.monotonic() - self._trusted_since
        return watched > self._patience.stale_after and (silent is None or silent > self._patience.stale_after)

    def _end(self, cluster: subprocess.Popen[bytes]) -> None:
        """SIGTERM to the parent alone: it lets running jobs finish."""
        cluster.terminate()
        try:
            cluster.wait(self._patience.stop_within)
        except subprocess.TimeoutExpired:
            log.warning("cluster_killed", seconds=self._patience.stop_within)
        kill_group(cluster)

    def _pause_after(self, life: float) -> None:
        self._short_lives = self._short_lives + 1 if life < SHORTEST_LIFE else 0
        if self._short_lives >= MOST_SHORT_LIVES:
            raise ClusterDoesNotStartError(f"the cluster ended {self._short_lives} times within {SHORTEST_LIFE:.0f} s")
        self._asked.wait(min(LONGEST_PAUSE, 2.0**self._short_lives))


def seconds_since_life() -> float | None:
    """Since a job last started or ended, by the database's clock; None: none ever did. Raises psycopg.Error."""
    with connect("prism-watchdog", statement_timeout=5) as connection:
        row = connection.execute(LIFE).fetchone()
        return row[0] if row else None


def kill_group(cluster: subprocess.Popen[bytes]) -> None:
    """Everything the cluster started: what outlives its parent would go on working unsupervised."""
    try:
        os.killpg(cluster.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        cluster.wait()


def end_with_parent() -> None:
    """Called in the cluster's process: should the watchdog be killed, the kernel asks the cluster to stop (Linux)."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the watchdog is gone")
