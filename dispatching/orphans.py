"""What a foreign key would forbid, if a partitioned table could have one, and what a lost step would strand.

Nothing is mended here: each finding is a defect, told as an alarm with a few ids to start from.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import structlog

from dispatching.database import connect
from dispatching.partitions import uuid_floor

log = structlog.get_logger("prism.dispatching")

DAYS = 2
SETTLED_AFTER = dt.timedelta(hours=1)
SAMPLE = 5
COUNTED = 10_000

# By its index, so every campaign of the whole history; the rest is looked at in the newest rows, which costs a scan.
CAMPAIGNS = """
WITH RECURSIVE used AS (
  (SELECT campaign_id FROM dispatches WHERE campaign_id IS NOT NULL ORDER BY campaign_id LIMIT 1)
  UNION ALL
  SELECT (SELECT d.campaign_id FROM dispatches d WHERE d.campaign_id > u.campaign_id ORDER BY d.campaign_id LIMIT 1)
  FROM used u WHERE u.campaign_id IS NOT NULL)
SELECT campaign_id FROM used WHERE campaign_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM campaigns c WHERE c.id = used.campaign_id)
"""


def _missing(column: str, parent: str) -> str:
    return f"""
    SELECT d.id FROM dispatches d WHERE d.id >= %(since)s AND d.id < %(until)s AND d.{column} IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.id = d.{column})
    """


CHECKS: dict[str, str] = {
    "campaigns_gone": CAMPAIGNS,
    "provider_gone": _missing("provider_id", "providers"),
    "template_gone": _missing("template_id", "templates"),
    "template_version_gone": _missing("template_version_id", "template_versions"),
    "tenant_gone": _missing("tenant_id", "tenants"),
    "attempt_without_dispatch": """
    SELECT a.id FROM attempts a WHERE a.dispatch_id >= %(since)s AND a.dispatch_id < %(until)s
      AND NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.id = a.dispatch_id)
    """,
    "receipt_without_dispatch": """
    SELECT r.dispatch_id FROM delivery_receipts r WHERE r.dispatch_id >= %(since)s AND r.dispatch_id < %(until)s
      AND NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.id = r.dispatch_id)
    """,
    "overdue_without_dispatch": """
    SELECT o.dispatch_id FROM overdue_deliveries o WHERE o.dispatch_id >= %(since)s AND o.dispatch_id < %(until)s
      AND NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.id = o.dispatch_id)
    """,
    "due_without_dispatch": """
    SELECT q.dispatch_id FROM due_dispatches q WHERE NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.id = q.dispatch_id)
    """,
    # Decided to be sent, and nobody has it: neither a due row nor a batch. It would wait for ever.
    "stranded": """
    SELECT d.id FROM dispatches d WHERE d.id >= %(since)s AND d.id < %(until)s AND d.status IN ('PENDING', 'SCHEDULED')
      AND NOT EXISTS (SELECT 1 FROM due_dispatches q WHERE q.dispatch_id = d.id)
      AND d.id NOT IN (SELECT i FROM send_batches b, unnest(b.dispatch_ids) i)
    """,
}


@dataclass(frozen=True)
class Finding:
    """`count` stops at COUNTED; `sample` is a few of the ids."""

    check: str
    count: int
    sample: tuple[str, ...]


def find_orphans(now: dt.datetime | None = None, *, days: int = DAYS) -> list[Finding]:
    """Every check over the dispatches of the last `days`, without the last hour, in which work may be under way."""
    now = now or dt.datetime.now(dt.UTC)
    bounds = {"since": uuid_floor(now - dt.timedelta(days=days)), "until": uuid_floor(now - SETTLED_AFTER)}
    findings = []
    with connect("prism-orphans") as connection:
        connection.execute("SET statement_timeout = '60s'")
        for check, statement in CHECKS.items():
            rows = connection.execute(f"{statement} LIMIT {COUNTED}", bounds).fetchall()
            if rows:
                sample = tuple(str(row[0]) for row in rows[:SAMPLE])
                findings.append(Finding(check, len(rows), sample))
                log.error("orphans_found", check=check, count=len(rows), sample=list(sample), result="failure")
    return findings
