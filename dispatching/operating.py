"""What an operator may do with dispatches. The database checks tenant and role again, inside the functions called here.

All verbs belong into the transaction of a request that acts for a tenant (tenants.scope).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import connection

from dispatching import reasons
from dispatching.gates import explain
from dispatching.triggers import ledger_key

AT_ONCE = 1000
"""Most dispatches of one call: they are moved by one statement."""
SOURCES = ("triggers",)
"""Where correlation ids come from; each has its own keys in the ledger."""


def replay(dispatch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Send FAILED and UNKNOWN dispatches again, with a fresh count of attempts. Returns those that were taken.

    Left alone: an UNKNOWN that may still be on the wire (lease + time-out), and what a fallback has followed.
    """
    return _call("prism_replay_dispatches", dispatch_ids, settings.WORKER_DEAD_AFTER_SECONDS)


def cancel(dispatch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """End dispatches that wait in the queue, with a fact each. Returns those that were; a worker holds the others."""
    return _call("prism_cancel_dispatches", dispatch_ids, explain(reasons.CANCELLED_BY_OPERATOR))


def trigger_of(*, tenant_id: int, correlation_id: str) -> uuid.UUID | None:
    """The trigger that a correlation id belongs to, by the ledger, which is the only index of them (decision 4)."""
    if "\x00" in correlation_id:
        return None
    with connection.cursor() as cursor:
        for source in SOURCES:
            cursor.execute("SELECT prism_trigger_of(%s)", [ledger_key(tenant_id, source, correlation_id)])
            row = cursor.fetchone()
            if row and row[0]:
                found: uuid.UUID = row[0]
                return found
    return None


def _call(function: str, dispatch_ids: Sequence[uuid.UUID], argument: int | str) -> list[uuid.UUID]:
    if len(dispatch_ids) > AT_ONCE:
        raise ValueError(f"at most {AT_ONCE} dispatches at once, got {len(dispatch_ids)}")
    if not dispatch_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s::uuid[], %s)", [list(dispatch_ids), argument])
        return [row[0] for row in cursor.fetchall()]
