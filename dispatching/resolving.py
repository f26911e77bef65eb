"""How an operator settles what the vendor never said: an UNKNOWN dispatch went out, or it did not.

The database checks tenant, role and state again, in the function called here, and writes exactly one fact per change.
Belongs into the transaction of a request that acts for a tenant (tenants.scope).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import connection

from dispatching import reasons
from dispatching.gates import explain
from dispatching.operating import AT_ONCE
from dispatching.statuses import Status


def resolve_as_sent(dispatch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """UNKNOWN becomes SENT. Returns those that did: what may still be on the wire is left alone."""
    return _resolve(dispatch_ids, Status.SENT)


def resolve_as_failed(dispatch_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """UNKNOWN becomes FAILED. The campaign's next provider is not tried: that is decided by definite answers only."""
    return _resolve(dispatch_ids, Status.FAILED)


def _resolve(dispatch_ids: Sequence[uuid.UUID], status: Status) -> list[uuid.UUID]:
    if len(dispatch_ids) > AT_ONCE:
        raise ValueError(f"at most {AT_ONCE} dispatches at once, got {len(dispatch_ids)}")
    if not dispatch_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prism_resolve_dispatches(%s::uuid[], %s, %s, %s)",
            [
                list(dispatch_ids),
                settings.WORKER_DEAD_AFTER_SECONDS,
                status.value,
                explain(reasons.RESOLVED_BY_OPERATOR),
            ],
        )
        return [row[0] for row in cursor.fetchall()]
