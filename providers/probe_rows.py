"""The rows of checks as workers see them: planned by the clock, claimed by one, recorded by whoever claimed last."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

import msgspec
import psycopg

from providers import verdicts
from providers.circuits import CREDENTIAL_REASONS
from providers.models import Health, Purpose
from providers.verdicts import Verdict

EVERY_MINUTES = 5
RETAKE_S = 30
"""Past the longest check: whoever claimed it then is dead or cut off."""
MOST_TRIES = 3

_PLAN = """
INSERT INTO provider_checks (id, tenant_id, provider_id)
SELECT gen_random_uuid(), p.tenant_id, p.id FROM providers p
WHERE p.is_active
  AND (p.health_checked_at IS NULL OR p.health_checked_at < now() - make_interval(mins => %s))
  AND NOT EXISTS (
    SELECT 1 FROM provider_checks c WHERE c.provider_id = p.id AND c.purpose = 'check' AND c.state <> 'done')
ON CONFLICT (provider_id, purpose) WHERE state = 'waiting' DO NOTHING
"""
_HINTED = """
INSERT INTO provider_checks (id, tenant_id, provider_id)
SELECT gen_random_uuid(), p.tenant_id, p.id FROM providers p WHERE p.is_active AND p.id = ANY(%s::uuid[])
ON CONFLICT (provider_id, purpose) WHERE state = 'waiting' DO NOTHING
"""
_CLAIM = """
UPDATE provider_checks AS c SET state = 'running', started_at = now(), tries = c.tries + 1
FROM providers p
WHERE p.id = c.provider_id AND c.id IN (
  SELECT id FROM provider_checks
  WHERE state <> 'done'
    AND (state = 'waiting' OR started_at < now() - make_interval(secs => %s))
  ORDER BY requested_at LIMIT %s FOR UPDATE SKIP LOCKED
)
RETURNING c.id, c.provider_id::text, c.purpose, c.tries, c.requested_by, p.updated_at
"""
# The provider first: that is the order in which a deletion takes them. A configuration that has changed since the
# check began is another one: its own check waits already.
_HEALTH = """
UPDATE providers p SET health = %(health)s, health_checked_at = now(), health_message = %(message)s,
  connected_at = CASE WHEN %(ok)s AND (p.health <> 'healthy' OR p.connected_at IS NULL) THEN now()
    ELSE p.connected_at END
WHERE id = %(provider_id)s AND updated_at = %(updated_at)s
  AND EXISTS (SELECT 1 FROM provider_checks c WHERE c.id = %(id)s AND c.state = 'running' AND c.tries = %(tries)s)
RETURNING old.health = new.health
"""
_DONE = """
UPDATE provider_checks SET state = 'done', finished_at = now(), ok = %(ok)s, code = %(code)s, message = %(detail)s,
  elapsed_ms = %(elapsed_ms)s
WHERE id = %(id)s AND state = 'running' AND tries = %(tries)s
"""
# A vendor that took the credential after it had refused it: what was paused for that goes on, but only once. Where the
# same trouble comes back, and for every other trouble, one message has to prove it, and may do so now.
_HEALED = """
UPDATE provider_circuits c SET
  state = CASE WHEN healed THEN 'closed' ELSE state END,
  reason = CASE WHEN healed THEN 'CHECKED' ELSE reason END,
  since = CASE WHEN healed THEN clock_timestamp() ELSE since END,
  probe_at = CASE WHEN healed THEN NULL ELSE LEAST(probe_at, clock_timestamp()) END,
  probing_until = CASE WHEN healed THEN NULL ELSE probing_until END
FROM (SELECT provider_id AS id, state = 'paused' AND reason = ANY(%(reasons)s) AND failures <= 1 AS healed
      FROM provider_circuits WHERE provider_id = %(provider_id)s) h
WHERE c.provider_id = h.id AND state IN ('open', 'paused')
  AND since < (SELECT started_at FROM provider_checks WHERE id = %(id)s)
"""
_FORGET = "DELETE FROM provider_checks WHERE id = %s"


class Claimed(msgspec.Struct, frozen=True):
    id: uuid.UUID
    provider_id: str
    purpose: str
    tries: int
    requested_by: str
    updated_at: dt.datetime
    """Of the provider, read before its configuration."""

    @property
    def is_given_up(self) -> bool:
        return self.tries > MOST_TRIES


def ask_for_checks(cursor: psycopg.Cursor, provider_ids: Collection[str]) -> None:
    """Soon, as if the clock had asked: in the caller's transaction, over the owner's connection."""
    if provider_ids:
        cursor.execute(_HINTED, [list(provider_ids)])


class Probes:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def cursor(self) -> psycopg.Cursor:
        return self._connection.cursor()

    def plan(self) -> None:
        """A check for every active provider that nobody has looked at for a while."""
        self._connection.execute(_PLAN, [EVERY_MINUTES])

    def claim(self, limit: int) -> list[Claimed]:
        return [Claimed(*row) for row in self._connection.execute(_CLAIM, [RETAKE_S, limit]).fetchall()]

    def record(self, check: Claimed, verdict: Verdict, elapsed_ms: int) -> bool | None:
        """Whether the provider's health is another one now; None where the row is somebody else's by now.

        What only the clock asked for is kept where it is news.
        """
        values = {
            **msgspec.structs.asdict(check),
            **msgspec.structs.asdict(verdict),
            "elapsed_ms": elapsed_ms,
            "health": Health.HEALTHY if verdict.ok else Health.FAILING,
            "message": f"{verdict.code}: {verdict.detail}" if verdict.detail else verdict.code,
        }
        same: tuple[bool] | None = None
        settled = 0
        with self._connection.transaction():
            if check.purpose == Purpose.CHECK:
                same = self._connection.execute(_HEALTH, values).fetchone()
            settled = self._connection.execute(_DONE, values).rowcount
            if settled != 1:
                raise psycopg.Rollback
            if verdict.code == verdicts.OK and check.purpose == Purpose.CHECK:
                self._connection.execute(_HEALED, {**values, "reasons": list(CREDENTIAL_REASONS)})
            if not check.requested_by and same == (True,):
                self._connection.execute(_FORGET, [check.id])
        return same == (False,) if settled == 1 else None
