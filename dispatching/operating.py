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
from dispatching.provider_messages import message_key
from dispatching.triggers import ledger_key

AT_ONCE = 1000
"""Most dispatches of one call: they are moved by one statement."""
SOURCE = "triggers"
"""Where the correlation ids of events come from. Those of messages without a campaign have keys of their own."""


def replay(dispatch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Send FAILED and UNKNOWN dispatches again, with a fresh count of attempts. Returns those that were taken.

    Left alone: an UNKNOWN that may still be on the wire (lease + time-out), and what a fallback has followed.
    """
    return _call("prism_replay_dispatches", dispatch_ids, settings.WORKER_DEAD_AFTER_SECONDS)


def cancel(dispatch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """End dispatches that wait in the queue, with a fact each. Returns those that were; a worker holds the others."""
    return _call("prism_cancel_dispatches", dispatch_ids, explain(reasons.CANCELLED_BY_OPERATOR))


def triggers_of(*, tenant_id: int, correlation_id: str) -> list[uuid.UUID]:
    """The triggers of a correlation id: of an event, and of a message without a campaign, each at most one. The ledger
    is the only index of them (decision 4)."""
    if "\x00" in correlation_id:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prism_trigger_of(%s) UNION ALL SELECT dispatch_id FROM prism_known_messages(ARRAY[%s])",
            [ledger_key(tenant_id, SOURCE, correlation_id), correlation_id],
        )
        return [row[0] for row in cursor.fetchall() if row[0]]


def dispatches_of(*, tenant_id: int, message_id: str) -> list[uuid.UUID]:
    """The dispatches that any of the tenant's providers gave this message id, newest first; at most AT_ONCE."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM providers WHERE tenant_id = %s", [tenant_id])
        keys = [message_key(provider, message_id) for (provider,) in cursor.fetchall()]
        cursor.execute(
            "SELECT dispatch_id FROM provider_messages WHERE key = ANY(%s::uuid[]) AND tenant_id = %s"
            " ORDER BY dispatch_id DESC LIMIT %s",
            [keys, tenant_id, AT_ONCE],
        )
        return [row[0] for row in cursor.fetchall()]


def _call(function: str, dispatch_ids: Sequence[uuid.UUID], argument: int | str) -> list[uuid.UUID]:
    if len(dispatch_ids) > AT_ONCE:
        raise ValueError(f"at most {AT_ONCE} dispatches at once, got {len(dispatch_ids)}")
    if not dispatch_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s::uuid[], %s)", [list(dispatch_ids), argument])
        return [row[0] for row in cursor.fetchall()]
