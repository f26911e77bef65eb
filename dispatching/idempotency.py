"""A request that is sent twice is carried out once (Idempotency-Key): its answer is kept and given again.

The key's row is written by the transaction that did the work, so after a crash there is both or neither. Who comes
while the first is still at it is told so at once: an advisory lock says it, nobody waits.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.db import connection

from tenants.database import connect

CHUNK = 10_000
JOB_SECONDS = 180.0

log = structlog.get_logger("prism.dispatching")

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_FIND = """
SELECT body_hash, status, answer::text FROM idempotency_keys
WHERE tenant_id = %s AND operation = %s AND key = %s AND created_at > now() - make_interval(hours => %s)
"""
# What is there by now is older than the keys are kept, and only waits to be cleaned away.
_KEEP = """
INSERT INTO idempotency_keys (tenant_id, operation, key, body_hash, status, answer) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT ON CONSTRAINT idempotency_key_once DO UPDATE SET body_hash = EXCLUDED.body_hash, status = EXCLUDED.status,
  answer = EXCLUDED.answer, created_at = now()
"""
_CLEAN = """
DELETE FROM idempotency_keys WHERE id = ANY(ARRAY(SELECT id FROM idempotency_keys WHERE created_at < %s LIMIT %s))
"""


class InProgressError(Exception):
    """Another request with this key is being carried out."""


class OtherBodyError(Exception):
    """This key was used with another body."""


class Done(msgspec.Struct, frozen=True):
    """What was answered. `lasting`: something was done, so the answer is kept."""

    status: int
    body: dict[str, Any]
    lasting: bool = True
    repeated: bool = False


def carry_out(*, tenant_id: int, operation: str, key: str, body: Any, work: Callable[[], Done]) -> Done:
    """Do the work, or give the answer of the first time. In a transaction of the tenant, which the caller ends."""
    lock = blake2b(f"{tenant_id}\x1f{operation}\x1f{key}".encode(), digest_size=8, person=b"idempotency").digest()
    body_hash = blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=32).digest()
    with connection.cursor() as cursor:
        cursor.execute(_TRY_LOCK, [int.from_bytes(lock, "big", signed=True)])
        if cursor.fetchone() != (True,):
            raise InProgressError
        # A statement of its own: it sees what the last holder of the lock committed.
        cursor.execute(_FIND, [tenant_id, operation, key, settings.IDEMPOTENCY_KEY_HOURS])
        found = cursor.fetchone()
    if found is not None:
        if bytes(found[0]) != body_hash:
            raise OtherBodyError
        return Done(found[1], msgspec.json.decode(found[2]), repeated=True)
    done = work()
    if done.lasting:
        answer = msgspec.json.encode(done.body).decode()
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [tenant_id, operation, key, body_hash, done.status, answer])
    return done


def clean_keys(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Delete keys older than IDEMPOTENCY_KEY_HOURS, in chunks with a commit each. How many went."""
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS)
    until = time.monotonic() + max_seconds
    total, deleted = 0, CHUNK
    with connect("prism-retention") as owner:
        while deleted == CHUNK and time.monotonic() < until:
            deleted = owner.execute(_CLEAN, [cutoff, CHUNK]).rowcount
            total += deleted
    if total:
        log.info("idempotency_keys_cleaned", keys=total)
    return total
