"""Reads and folds the counts of changes into each status (see dispatching.counts)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import structlog
from django.db.models import Sum

from dispatching.counts import DispatchCount
from tenants.database import connect

log = structlog.get_logger("prism.dispatching")

Key = Literal["hour", "status", "campaign", "provider"]

# Whole hours of one key at a time: what one run is summing up, another passes over.
_FOLD = """
WITH gone AS (
  DELETE FROM dispatch_counts WHERE id = ANY (ARRAY(
    SELECT id FROM dispatch_counts
    WHERE tenant_id = %(tenant)s AND hour = %(hour)s AND id <= %(newest)s FOR UPDATE SKIP LOCKED))
  RETURNING tenant_id, hour, campaign_id, provider_id, status, changes)
INSERT INTO dispatch_counts (tenant_id, hour, campaign_id, provider_id, status, changes)
SELECT tenant_id, hour, campaign_id, provider_id, status, sum(changes) FROM gone GROUP BY 1, 2, 3, 4, 5
"""
_UNFOLDED = """
SELECT DISTINCT tenant_id, hour FROM dispatch_counts WHERE hour >= %(since)s AND id <= %(newest)s
GROUP BY tenant_id, hour, campaign_id, provider_id, status HAVING count(*) > 1
"""
LOOKED_BACK = dt.timedelta(days=7)
"""A change is counted in the hour it is committed in: nothing older than this is ever added."""


def counts_between(
    tenant_id: int, since: dt.datetime, until: dt.datetime, *, by: Sequence[Key] = ("status",)
) -> dict[tuple[Any, ...], int]:
    """Changes in the hours that begin from `since` up to, not including, `until`, keyed as `by` says."""
    columns = [f"{name}_id" if name in ("campaign", "provider") else name for name in by]
    rows = (
        DispatchCount.objects.filter(tenant_id=tenant_id, hour__gte=since, hour__lt=until)
        .order_by()
        .values_list(*columns)
        .annotate(total=Sum("changes"))
    )
    return {tuple(key): total for *key, total in rows}


def fold_counts(now: dt.datetime | None = None) -> int:
    """Sum the deltas up, one row per hour and key, each hour in a transaction of its own. How many hours."""
    moment = now or dt.datetime.now(dt.UTC)
    with connect("prism-retention") as connection:
        row = connection.execute("SELECT COALESCE(max(id), 0) FROM dispatch_counts").fetchone()
        assert row is not None
        bounds = {"since": moment - LOOKED_BACK, "newest": row[0]}
        hours = connection.execute(_UNFOLDED, bounds).fetchall()
        for tenant_id, hour in hours:
            connection.execute(_FOLD, {"tenant": tenant_id, "hour": hour, "newest": row[0]})
    if hours:
        log.info("counts_folded", hours=len(hours))
    return len(hours)
