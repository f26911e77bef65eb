"""What an operator may do with parked facts. The database checks tenant and role again, in the function called here."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import connection

log = structlog.get_logger("prism.outbox")


def retry_parked(fact_ids: Sequence[int]) -> int:
    """Put parked facts back into the queue, within a tenant's transaction (tenants.scope). How many were.

    A relay finds them within about a second. They come after facts of the same contact that went on meanwhile: their
    header `version` tells readers so.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT prism_retry_facts(%s)", [list(fact_ids)])
        row = cursor.fetchone()
    retried = int(row[0]) if row else 0
    log.info("parked_facts_retried", count=retried)
    return retried
