"""Counts by hour: read without a look at the history, folded from the deltas that facts leave (decisions 18, 29)."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import Any, Literal

import structlog
from django.db.models import Sum

from dispatching.counts import DispatchCount
from tenants.database import connect

CHUNK = 50_000
JOB_SECONDS = 45.0
By = Literal["hour", "campaign", "provider", "status"]
_COLUMN: dict[By, str] = {"hour": "hour", "campaign": "campaign_id", "provider": "provider_id", "status": "status"}

log = structlog.get_logger("prism.dispatching")

# One statement: readers see the deltas or their sum, never both or neither. What another folding has is left to it.
_FOLD = """
WITH deltas AS (
  DELETE FROM dispatch_counts WHERE id = ANY (ARRAY(
    SELECT id FROM dispatch_counts WHERE NOT folded ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED))
  RETURNING tenant_id, hour, campaign_id, provider_id, status, changes),
sums AS (
  INSERT INTO dispatch_counts AS c (tenant_id, hour, campaign_id, provider_id, status, changes, folded)
  SELECT tenant_id, hour, campaign_id, provider_id, status, sum(changes), true FROM deltas
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT (tenant_id, hour, campaign_id, provider_id, status) WHERE folded
  DO UPDATE SET changes = c.changes + EXCLUDED.changes)
SELECT count(*) FROM deltas
"""


def counts_between(
    tenant_id: int, since: dt.datetime, until: dt.datetime, *, by: Sequence[By] = ("status",)
) -> dict[tuple[Any, ...], int]:
    """Published changes of the hours that begin in [since, until), by the values of `by` in its order: an aware UTC
    datetime, ids or None, the status. One that went SENT, DELIVERED, READ counts in each of them."""
    columns = [_COLUMN[name] for name in by]
    found = DispatchCount.objects.filter(tenant_id=tenant_id, hour__gte=since, hour__lt=until)
    if not columns:
        return {(): int(found.aggregate(total=Sum("changes"))["total"] or 0)}
    grouped = found.order_by(*columns).values_list(*columns).annotate(total=Sum("changes"))
    return {tuple(row[:-1]): int(row[-1]) for row in grouped}


def fold_counts(*, max_seconds: float = JOB_SECONDS) -> int:
    """Make one row per key of all deltas that are committed, in chunks. How many deltas went. Any number may run."""
    until = time.monotonic() + max_seconds
    total = 0
    with connect("prism-counts") as connection:
        while time.monotonic() < until:
            row = connection.execute(_FOLD, [CHUNK]).fetchone()
            total += row[0] if row else 0
            if row is None or row[0] < CHUNK:
                break
    if total:
        log.info("counts_folded", deltas=total)
    return total
