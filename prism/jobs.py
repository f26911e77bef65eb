"""Every periodic job in one list, and how one is run: counted before it starts, recorded when it ends (decision 19).

A lost, late or doubled run changes nothing but the moment. `manage.py sync_schedules` brings django-q2's schedules in
line with the list; cron or Kubernetes may run the commands instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import connection
from django.utils.module_loading import import_string

log = structlog.get_logger("prism.jobs")

RUN_JOB = "prism.jobs.run_job"
MOST_ATTEMPTS = 3
"""Starts without an end after which a job is held back: it kills its worker, and would for ever."""


@dataclass(frozen=True)
class Job:
    """`cron` is in the time zone of the settings; `timeout` in seconds, after which its worker is replaced."""

    name: str
    run: str
    cron: str
    command: str
    timeout: int = 60


JOBS: tuple[Job, ...] = (
    Job("heartbeat", "prism.jobs.beat", "* * * * *", "run_job heartbeat"),
    Job("send_due_dispatches", "dispatching.draining.drain_due", "* * * * *", "send_due_dispatches", timeout=90),
    Job("check_providers", "providers.probing.check_providers", "* * * * *", "check_providers"),
    Job("process_webhooks", "ingestion.hearing.process_webhooks", "* * * * *", "process_webhooks"),
    Job("apply_receipts", "dispatching.receiving.apply_waiting_receipts", "* * * * *", "apply_receipts"),
    Job("follow_reports", "dispatching.polling.follow_reports", "* * * * *", "follow_reports", timeout=90),
    Job("fold_counts", "dispatching.counting.fold_counts", "*/10 * * * *", "fold_counts"),
    Job("ensure_partitions", "dispatching.upkeep.keep_partitions_ahead", "7 * * * *", "ensure_partitions"),
    Job(
        "analyze_partitions",
        "dispatching.retention.analyze_partitions",
        "11 3 * * *",
        "analyze_partitions",
        timeout=240,
    ),
    Job("clean_ledger", "dispatching.retention.clean_ledger", "21 3 * * *", "clean_ledger", timeout=240),
    Job(
        "clean_cap_counters",
        "dispatching.retention.clean_cap_counters",
        "26 3 * * *",
        "clean_cap_counters",
        timeout=240,
    ),
    Job(
        "clean_contact_paces",
        "dispatching.retention.clean_contact_paces",
        "28 3 * * *",
        "clean_contact_paces",
        timeout=240,
    ),
    Job(
        "clean_dead_letters", "ingestion.retention.clean_dead_letters", "31 3 * * *", "clean_dead_letters", timeout=240
    ),
    Job(
        "clean_provider_checks",
        "providers.retention.clean_provider_checks",
        "36 3 * * *",
        "clean_provider_checks",
        timeout=240,
    ),
    Job(
        "clean_idempotency_keys",
        "dispatching.idempotency.clean_keys",
        "38 3 * * *",
        "clean_idempotency_keys",
        timeout=240,
    ),
    Job("clean_sign_ins", "tenants.retention.clean_sign_ins", "39 3 * * *", "clean_sign_ins", timeout=240),
    Job(
        "clean_webhook_calls",
        "ingestion.retention.clean_webhook_calls",
        "33 3 * * *",
        "clean_webhook_calls",
        timeout=240,
    ),
    Job("detach_partitions", "dispatching.detaching.detach_partitions", "41 3 * * *", "detach_partitions", timeout=240),
    Job("check_orphans", "dispatching.orphans.find_orphans", "51 3 * * *", "check_orphans", timeout=240),
)


class UnknownJobError(Exception):
    """No job of this name is in the list."""


def job_named(name: str) -> Job:
    for job in JOBS:
        if job.name == name:
            return job
    raise UnknownJobError(f"{name!r} is none of {', '.join(job.name for job in JOBS)}")


def beat() -> None:
    """The queue's heartbeat: that it ran is all there is to know (see prism.watchdog)."""


def run_job(name: str) -> bool:
    """Run it and record how it ended. False: it runs elsewhere, is held back, or failed (then logged as an alarm)."""
    job = job_named(name)
    if not _lock(job.name):
        log.info("job_runs_elsewhere", job=name)
        return False
    try:
        return _start(job.name) and _run(job, import_string(job.run))
    finally:
        _unlock(job.name)


def _run(job: Job, function: Callable[[], object]) -> bool:
    began = time.monotonic()
    error = ""
    try:
        function()
    except SystemExit as stopped:
        # django-q2's way to say that the time is over; its worker ends with it.
        error = f"ended after {job.timeout} s: {stopped}"
        raise
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
        log.exception("job_failed", job=job.name)
    finally:
        _end(job.name, error, time.monotonic() - began)
    return not error


START = """
INSERT INTO job_states AS j (name, attempts, started_at, error) VALUES (%(name)s, 1, clock_timestamp(), '')
ON CONFLICT (name) DO UPDATE SET attempts = j.attempts + 1, started_at = clock_timestamp(),
  held_until = CASE WHEN j.attempts >= %(most)s
    THEN clock_timestamp() + LEAST(interval '1 day', interval '1 minute' * power(2, LEAST(j.attempts, 20))) END
WHERE j.held_until IS NULL OR j.held_until < clock_timestamp()
RETURNING attempts, held_until
"""
END = """
UPDATE job_states SET attempts = 0, held_until = NULL, finished_at = clock_timestamp(), seconds = %(seconds)s,
  error = %(error)s, succeeded_at = CASE WHEN %(error)s = '' THEN clock_timestamp() ELSE succeeded_at END
WHERE name = %(name)s
"""


def _start(name: str) -> bool:
    """Count the attempt before the work, so that a job which kills its worker is known by what it leaves behind.

    Past MOST_ATTEMPTS it is still tried, with a pause after each try that doubles up to a day.
    """
    with connection.cursor() as cursor:
        cursor.execute(START, {"name": name, "most": MOST_ATTEMPTS})
        row = cursor.fetchone()
    if row is None:
        log.warning("job_held", job=name)
        return False
    attempts, held_until = row
    if held_until is not None:
        log.error("job_kills_its_worker", job=name, attempts=attempts, next_try_after=held_until.isoformat())
    return True


def _end(name: str, error: str, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(END, {"name": name, "error": error[:2000], "seconds": round(seconds, 3)})


def _lock(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('prism.job'), hashtext(%s))", [name])
        return bool(cursor.fetchone()[0])


def _unlock(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtext('prism.job'), hashtext(%s))", [name])
