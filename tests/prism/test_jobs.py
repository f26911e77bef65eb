"""The one list of periodic jobs, how they are run and recorded, and django-q2's schedules made from it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from croniter import croniter
from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import CommandError
from django.db import connection
from django.utils.module_loading import import_string
from django_q.models import Schedule

from prism import jobs, schedules
from prism.jobs import JOBS, MOST_ATTEMPTS, Job, run_job
from prism.models import JobState
from prism.schedules import sync_schedules
from tenants.database import connect

CALLS: list[str] = []


def works() -> None:
    CALLS.append("worked")


def fails() -> None:
    raise ValueError("no luck")


def runs_out_of_time() -> None:
    raise SystemExit("Task exceeded maximum timeout value")


@pytest.fixture
def only_job(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Callable[[str], Job]:
    """The list holds one job, which calls a function of this file."""

    def use(function: str) -> Job:
        CALLS.clear()
        job = Job("tried", f"{__name__}.{function}", "* * * * *", "run_job tried")
        monkeypatch.setattr(jobs, "JOBS", (job,))
        monkeypatch.setattr(jobs, "import_string", {job.run: globals()[function]}.__getitem__)
        return job

    return use


def state() -> JobState:
    return JobState.objects.get(name="tried")


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_is_a_function_a_command_and_a_moment(job: Job) -> None:
    assert callable(import_string(job.run))
    assert job.command.split()[0] in get_commands()
    assert croniter.is_valid(job.cron)


def test_names_are_unique_and_time_limits_leave_room_for_the_queues_retry() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    queue: dict[str, Any] = settings.Q_CLUSTER
    longest = max(job.timeout for job in JOBS)
    assert queue["retry"] > longest * (queue["queue_limit"] / queue["workers"] + 1)


def test_a_run_is_recorded(only_job: Callable[[str], Job]) -> None:
    only_job("works")
    assert run_job("tried")
    assert CALLS == ["worked"]
    assert (state().attempts, state().error) == (0, "")
    assert state().succeeded_at is not None


def test_a_failure_is_recorded_and_the_next_run_comes_as_ever(
    only_job: Callable[[str], Job], caplog: pytest.LogCaptureFixture
) -> None:
    only_job("fails")
    assert [run_job("tried") for _ in range(MOST_ATTEMPTS + 2)] == [False] * (MOST_ATTEMPTS + 2)
    assert state().error == "ValueError: no luck"
    assert (state().attempts, state().held_until, state().succeeded_at) == (0, None, None)
    assert caplog.text.count("job_failed") == MOST_ATTEMPTS + 2


def test_a_job_that_runs_out_of_time_is_recorded_before_its_worker_ends(only_job: Callable[[str], Job]) -> None:
    only_job("runs_out_of_time")
    with pytest.raises(SystemExit):
        run_job("tried")
    assert state().error.startswith("ended after 60 s")


def wait_until_nothing_is_locked() -> None:
    """A server process notices a moment later that its client is dead, and holds the job's lock till then."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
            )
            if cursor.fetchone()[0] == 0:
                return
        time.sleep(0.02)
    raise AssertionError("a job's lock is still held")


def test_a_job_that_kills_its_worker_is_held_back_after_three_times(
    only_job: Callable[[str], Job], process_environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    only_job("works")
    die = (
        "import django, os; django.setup()\n"
        "from prism import jobs\n"
        "jobs.JOBS = (jobs.Job('tried', 'os._exit', '* * * * *', ''),)\n"
        "jobs.import_string = lambda _: lambda: os._exit(9)\n"
        "jobs.run_job('tried')\n"
    )
    for _attempt in range(MOST_ATTEMPTS):
        assert subprocess.run([sys.executable, "-c", die], env=process_environment, check=False).returncode == 9
        wait_until_nothing_is_locked()
    assert state().attempts == MOST_ATTEMPTS
    assert state().held_until is None
    assert subprocess.run([sys.executable, "-c", die], env=process_environment, check=False).returncode == 9
    wait_until_nothing_is_locked()
    held_until = state().held_until
    assert held_until is not None
    assert held_until > dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    assert not run_job("tried")
    assert CALLS == []
    assert "job_held" in caplog.text
    JobState.objects.update(held_until=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    assert run_job("tried")
    assert (state().attempts, state().held_until) == (0, None)


def test_a_job_that_runs_elsewhere_is_not_started_twice(only_job: Callable[[str], Job]) -> None:
    only_job("works")
    with connect("prism-test") as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock(hashtext('prism.job'), hashtext('tried'))")
        assert not run_job("tried")
        assert CALLS == []
        # Closing the connection frees it too, but only once the server has noticed.
        elsewhere.execute("SELECT pg_advisory_unlock_all()")
    assert run_job("tried")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_runs_on_an_empty_database_by_the_queue_and_by_its_command(job: Job) -> None:
    assert run_job(job.name)
    call_command(*job.command.split(), verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_nobody_knows_is_refused() -> None:
    with pytest.raises(CommandError):
        call_command("run_job", "no-such-job")
    with pytest.raises(jobs.UnknownJobError):
        run_job("no-such-job")


@pytest.mark.django_db
def test_schedules_are_made_once_and_keep_their_next_run() -> None:
    assert sync_schedules().created == [job.name for job in JOBS]
    before = list(Schedule.objects.order_by("id").values())
    assert sync_schedules() == ([], [], [])
    assert list(Schedule.objects.order_by("id").values()) == before
    assert all(schedule["next_run"] > dt.datetime.now(dt.UTC) for schedule in before)


@pytest.mark.django_db
def test_schedules_that_differ_are_mended_and_stale_or_doubled_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    sync_schedules()
    Schedule.objects.create(func="somebody.elses", name="theirs", schedule_type=Schedule.HOURLY)
    Schedule.objects.create(func=jobs.RUN_JOB, name="heartbeat", schedule_type=Schedule.HOURLY)
    changed = (replace(JOBS[0], cron="*/5 * * * *"), *JOBS[2:])
    monkeypatch.setattr(schedules, "JOBS", changed)
    assert sync_schedules() == ([], [JOBS[0].name], [JOBS[1].name, "heartbeat"])
    assert Schedule.objects.get(name=JOBS[0].name).cron == "*/5 * * * *"
    assert Schedule.objects.filter(name="theirs").exists()
    assert sync_schedules() == ([], [], [])


@pytest.mark.django_db(transaction=True)
def test_workers_that_start_at_the_same_moment_make_each_schedule_once(process_environment: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "sync_schedules"]
    started = [
        subprocess.Popen(command, cwd=settings.BASE_DIR, env=process_environment, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert Schedule.objects.count() == len(JOBS)
    connection.close()
