"""Who should be alive and is not: consumer, sender, relay, the queue of periodic jobs."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from outbox.leases import LEASE_SECONDS
from prism.doctor.findings import Finding
from prism.models import JobState

# A worker that died and was replaced by one of its kind on its host is history.
DEAD = """
SELECT kind, host, pid, heartbeat_at FROM workers w
WHERE state = 'dead' AND heartbeat_at > clock_timestamp() - interval '1 hour' AND NOT EXISTS (
  SELECT 1 FROM workers n WHERE n.kind = w.kind AND n.host = w.host AND n.state = 'running' AND n.id > w.id)
ORDER BY id
"""
SILENT = """
SELECT kind, host, pid, extract(epoch FROM clock_timestamp() - heartbeat_at)::int FROM workers
WHERE state = 'running' AND heartbeat_at < clock_timestamp() - make_interval(secs => %s) ORDER BY id
"""
LEFT = """
SELECT count(*) FROM send_batches b
WHERE NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = b.owner AND w.state = 'running')
"""
ALIVE = """
SELECT 1 FROM workers WHERE kind = %s AND state = 'running'
  AND heartbeat_at > clock_timestamp() - make_interval(secs => %s) LIMIT 1
"""
RELAY = "SELECT 1 FROM outbox_relays WHERE seen_at > clock_timestamp() - make_interval(secs => %s) LIMIT 1"
JOBS = """
SELECT 1 FROM job_states WHERE GREATEST(started_at, finished_at) > clock_timestamp() - interval '3 minutes' LIMIT 1
"""


def workers_are_alive() -> Iterator[Finding]:
    for kind, command, loss in (
        ("consumer", "manage.py consume_triggers", _("triggers are not taken in")),
        ("sender", "manage.py run_sender", _("scheduled and repeated messages wait for the minute job")),
    ):
        if not _found(ALIVE, kind, settings.WORKER_DEAD_AFTER_SECONDS):
            yield Finding(
                _("No %(kind)s is alive: %(loss)s.") % {"kind": kind, "loss": loss},
                _("Start one: %(command)s") % {"command": command},
            )


def dead_workers_are_replaced() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(DEAD)
        for kind, host, pid, heartbeat_at in cursor.fetchall():
            yield Finding(
                _("The %(kind)s on %(host)s (process %(pid)d) died or froze after %(time)s and was not replaced.")
                % {"kind": kind, "host": host, "pid": pid, "time": f"{heartbeat_at:%Y-%m-%d %H:%M:%S %Z}"},
                _("Its last log lines say why. Its supervisor should have started another one."),
            )


def silent_workers_are_reaped() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(SILENT, [2 * settings.WORKER_DEAD_AFTER_SECONDS])
        for kind, host, pid, seconds in cursor.fetchall():
            yield Finding(
                _(
                    "The %(kind)s on %(host)s (process %(pid)d) has been silent for %(seconds)d seconds,"
                    " and nobody recovers what it held."
                )
                % {"kind": kind, "host": host, "pid": pid, "seconds": seconds},
                _("Start a sender or consumer (they recover it), or run manage.py reap_workers."),
            )
        cursor.execute(LEFT)
        (left,) = cursor.fetchone() or (0,)
    if left:
        yield Finding(
            _("%(count)d batches belong to workers that are no longer there.") % {"count": left},
            _("Start a sender or consumer (they recover them), or run manage.py reap_workers."),
        )


def relay_is_alive() -> Iterator[Finding]:
    if not _found(RELAY, 2 * LEASE_SECONDS):
        yield Finding(
            _("No relay is alive: facts stay in the database."),
            _("Start one: %(command)s") % {"command": "manage.py relay_outbox"},
        )


def jobs_run() -> Iterator[Finding]:
    if not _found(JOBS):
        yield Finding(
            _("No periodic job has run for three minutes: partitions, cleaning and the senders' reserve stand still."),
            _("Start manage.py run_worker, or let cron run the jobs' commands (manage.py run_job)."),
        )
    for state in JobState.objects.exclude(error="").order_by("name"):
        yield Finding(
            _("The job %(name)s failed: %(error)s")
            % {"name": state.name, "error": state.error.strip().splitlines()[-1]},
            _("Mend the cause, then run it by hand: manage.py run_job %(name)s") % {"name": state.name},
        )


def _found(question: str, *parameters: str | float) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, parameters)
        return cursor.fetchone() is not None
