"""django-q2's schedules, brought in line with the list in prism.jobs. Schedules of anybody else are left alone."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection, transaction
from django_q.models import Schedule

from prism.jobs import JOBS, RUN_JOB, Job


class Changes(NamedTuple):
    """Names of jobs."""

    created: list[str]
    changed: list[str]
    removed: list[str]


def sync_schedules() -> Changes:
    """Make, mend and remove. What is right already keeps its next run, however often this is called."""
    jobs = {job.name: job for job in JOBS}
    ours: dict[str, Schedule] = {}
    removed: list[str] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Several workers start at once.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('prism.schedules'))")
        for schedule in Schedule.objects.filter(func=RUN_JOB).order_by("id"):
            if schedule.name in jobs and schedule.name not in ours:
                ours[schedule.name] = schedule
            else:
                removed.append(str(schedule.name))
                schedule.delete()
        created = [name for name in jobs if name not in ours]
        changed = [name for name, schedule in ours.items() if _differs(schedule, jobs[name])]
        for name in (*created, *changed):
            _write(ours.get(name) or Schedule(func=RUN_JOB, name=name), jobs[name])
    return Changes(created, changed, removed)


def _wanted(job: Job) -> dict[str, object]:
    return {
        "args": repr((job.name,)),
        "kwargs": repr({"q_options": {"timeout": job.timeout}}),
        "schedule_type": Schedule.CRON,
        "cron": job.cron,
        "repeats": -1,
    }


def _differs(schedule: Schedule, job: Job) -> bool:
    return any(getattr(schedule, field) != value for field, value in _wanted(job).items())


def _write(schedule: Schedule, job: Job) -> None:
    for field, value in _wanted(job).items():
        setattr(schedule, field, value)
    schedule.next_run = schedule.calculate_next_run()
    schedule.save()
