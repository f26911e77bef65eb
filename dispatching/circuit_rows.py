"""The rows of providers' circuits as workers read and move them (providers.circuits). Short transactions of their own:
no outcome waits for a row here, and no row is held while something is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import msgspec
import psycopg

from dispatching.circuits import Circuit
from providers.circuits import State

# By the database's clock: what is left of a wait, and whether somebody is trying the provider at this moment. A hold
# ends by itself; its row stays as it is.
_LOOK = """
SELECT provider_id::text, state, reason, extract(epoch FROM probe_at - clock_timestamp())::float8,
  COALESCE(probing_until > clock_timestamp(), false)
FROM provider_circuits WHERE state <> 'closed' AND (state <> 'held' OR probe_at > clock_timestamp())
"""
_MAKE = """
INSERT INTO provider_circuits (provider_id, tenant_id, state, since)
SELECT id, tenant_id, 'closed', 'epoch' FROM providers WHERE id = %s ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT state, reason, error, since, probe_at, failures, probing_until > clock_timestamp() AND probed_by = %s,
  clock_timestamp()
FROM provider_circuits WHERE provider_id = %s FOR UPDATE
"""
_WRITE = """
UPDATE provider_circuits SET state = %s, reason = %s, error = %s, since = %s, probe_at = %s, failures = %s,
  probing_until = NULL, probed_by = NULL, closed_by = ''
WHERE provider_id = %s
"""
# The lease: one process of all has the one message that is let through. Whoever dies with it loses it with time.
_TAKE_PROBE = """
UPDATE provider_circuits SET probing_until = clock_timestamp() + make_interval(secs => %s), probed_by = %s
WHERE provider_id = %s AND state IN ('open', 'paused') AND probe_at <= clock_timestamp()
  AND (probing_until IS NULL OR probing_until <= clock_timestamp())
RETURNING 1
"""
_DROP_PROBE = """
UPDATE provider_circuits SET probing_until = NULL, probed_by = NULL,
  probe_at = clock_timestamp() + make_interval(secs => %s)
WHERE provider_id = %s AND probed_by = %s AND state IN ('open', 'paused')
"""
EMPTY_HANDED_S = 2.0
"""Until the next try where nothing that waited could be sent: a campaign was switched off, a pace was not there."""

Step = Callable[[Circuit, dt.datetime], Circuit]


class Shut(msgspec.Struct, frozen=True):
    """A provider that is not simply used. `wait_s`: seconds from now to its probe, or to the end of its hold."""

    provider_id: str
    state: State
    reason: str
    wait_s: float
    is_probed: bool = False


class Moved(msgspec.Struct, frozen=True):
    """A circuit before and after a step, by the database's clock at `now`."""

    before: Circuit
    after: Circuit
    now: dt.datetime

    @property
    def is_news(self) -> bool:
        return self.before.state is not self.after.state or self.before.since != self.after.since


def look(connection: psycopg.Connection) -> list[Shut]:
    """All that are not closed, of all tenants: few rows, mostly none."""
    return [
        Shut(row[0], State(row[1]), row[2], max(0.0, row[3] or 0.0), is_probed=row[4])
        for row in connection.execute(_LOOK).fetchall()
    ]


def move(connection: psycopg.Connection, provider_id: str, step: Step, *, probe_of: int | None = None) -> Moved | None:
    """Take a step of the state machine under the row's lock. With `probe_of` only where that worker has the probe; None
    where it has not, or where the provider is gone."""
    with connection.transaction():
        row = connection.execute(_LOCK, [probe_of, provider_id]).fetchone()
        if row is None:
            connection.execute(_MAKE, [provider_id])
            row = connection.execute(_LOCK, [probe_of, provider_id]).fetchone()
        if row is None or (probe_of is not None and not row[6]):
            return None
        before = Circuit(State(row[0]), row[1], row[2], row[3], row[4], row[5])
        after = step(before, row[7])
        if after != before:
            connection.execute(
                _WRITE,
                [after.state, after.reason, after.error, after.since, after.probe_at, after.failures, provider_id],
            )
    return Moved(before, after, row[7])


def take_probe(connection: psycopg.Connection, provider_id: str, worker_id: int, lease_s: float) -> bool:
    """Whether this worker may send the one message that is let through now."""
    return connection.execute(_TAKE_PROBE, [lease_s, worker_id, provider_id]).fetchone() is not None


def drop_probe(connection: psycopg.Connection, provider_id: str, worker_id: int) -> None:
    """There was no message to let through: somebody tries again soon."""
    connection.execute(_DROP_PROBE, [EMPTY_HANDED_S, provider_id, worker_id])
