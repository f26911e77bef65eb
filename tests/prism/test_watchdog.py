"""The worker's watchdog: a cluster that stalls or ends is replaced whole, and a stop is clean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from prism.models import JobState
from prism.watchdog import ClusterDoesNotStartError, Patience, Watchdog, seconds_since_life

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class Worker:
    """`manage.py run_worker` as a process."""

    def __init__(self, environment: dict[str, str], log: Path, stale_after: float) -> None:
        command = [sys.executable, "manage.py", "run_worker", "--stale-after", str(stale_after)]
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=output)

    def cluster(self) -> list[psutil.Process]:
        """The cluster's parent and all its children; empty while there is none."""
        try:
            return [family for child in psutil.Process(self.process.pid).children() for family in _family(child)]
        except psutil.NoSuchProcess:
            return []

    def wait_for_cluster(self, not_of: frozenset[int] = frozenset()) -> list[psutil.Process]:
        """Until a whole one runs: parent, sentinel, two workers, monitor and pusher."""

        def is_whole() -> bool:
            found = self.cluster()
            return len(found) >= 6 and not {process.pid for process in found} & not_of

        wait_until(is_whole)
        return self.cluster()

    def log(self) -> str:
        return self._log.read_text()


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=0)[1]


@pytest.fixture
def worker(process_environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[float], Worker]]:
    started: list[Worker] = []

    def start(stale_after: float) -> Worker:
        started.append(Worker(process_environment, tmp_path / "worker.log", stale_after))
        return started[-1]

    yield start
    for one in started:
        family = one.cluster()
        one.process.kill()
        one.process.wait()
        for process in family:
            if process.is_running():
                process.kill()


def test_sigterm_stops_the_whole_cluster_and_leaves_with_success(worker: Callable[[float], Worker]) -> None:
    running = worker(180)
    family = running.wait_for_cluster()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert gone(family)
    assert "cluster_killed" not in running.log()


def test_a_cluster_without_a_sign_of_life_is_killed_as_a_group_and_started_again(
    worker: Callable[[float], Worker],
) -> None:
    running = worker(6)
    family = running.wait_for_cluster()
    for process in family:
        process.suspend()
    pids = frozenset(process.pid for process in family)
    running.wait_for_cluster(not_of=pids)
    assert gone(family)
    assert "cluster_stalled" in running.log()


def test_a_cluster_whose_parent_is_killed_leaves_no_orphans_and_is_started_again(
    worker: Callable[[float], Worker],
) -> None:
    running = worker(180)
    family = running.wait_for_cluster()
    os.kill(family[0].pid, signal.SIGKILL)
    running.wait_for_cluster(not_of=frozenset(process.pid for process in family))
    assert gone(family)
    assert "cluster_ended" in running.log()


def test_a_cluster_does_not_outlive_a_watchdog_that_is_killed(worker: Callable[[float], Worker]) -> None:
    running = worker(180)
    family = running.wait_for_cluster()
    running.process.kill()
    wait_until(lambda: gone(family))


def test_a_cluster_that_never_comes_up_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    watchdog = Watchdog([sys.executable, "-c", "raise SystemExit(3)"], Patience(stale_after=0.2))
    monkeypatch.setattr(watchdog._asked, "wait", lambda _seconds: False)  # no pauses in a test
    with pytest.raises(ClusterDoesNotStartError, match="5 times"):
        watchdog.run()


def test_any_job_that_starts_or_ends_is_a_sign_of_life() -> None:
    assert seconds_since_life() is None
    JobState.objects.create(name="long")
    assert seconds_since_life() is None
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE job_states SET started_at = now() - interval '100 seconds'")
    silent = seconds_since_life()
    assert silent is not None
    assert 100 <= silent < 110
