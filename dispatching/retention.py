"""Old rows of the ledger go, and the planner keeps fresh statistics (decisions 4 and 18)."""

from __future__ import annotations

import datetime as dt
import time

import structlog
from django.conf import settings
from psycopg import sql

from dispatching.partitions import TABLES, uuid_floor
from tenants.database import connect

log = structlog.get_logger("prism.dispatching")

CHUNK = 10_000
# By the key first: ids tell when they were made, and nothing is unsettled before it is made.
_UNSETTLED = """
DELETE FROM {0} WHERE dispatch_id = ANY (ARRAY(
  SELECT dispatch_id FROM {0} WHERE dispatch_id < %s AND since < %s LIMIT %s))
"""
_LISTS = ("unsettled_dispatches", "overdue_deliveries")
JOB_SECONDS = 180.0


def clean_ledger(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Delete receipts older than LEDGER_RETENTION_DAYS, in chunks with a commit each. How many went."""
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=settings.LEDGER_RETENTION_DAYS)
    until = time.monotonic() + max_seconds
    total = 0
    with connect("prism-retention") as connection:
        parts = connection.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'trigger_receipts'::regclass ORDER BY 1"
        ).fetchall()
        for (part,) in parts:
            statement = sql.SQL(
                "DELETE FROM {0} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {0} WHERE received_at < %s LIMIT %s))"
            ).format(sql.Identifier(part))
            deleted = CHUNK
            while deleted == CHUNK and time.monotonic() < until:
                deleted = connection.execute(statement, [cutoff, CHUNK]).rowcount
                total += deleted
    if total:
        log.info("ledger_cleaned", receipts=total)
    return total


def clean_cap_counters(today: dt.date | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Delete what frequency caps counted in periods that are over for a day in every time zone. How many went."""
    cutoff = (today or dt.datetime.now(dt.UTC).date()) - dt.timedelta(days=1)
    until = time.monotonic() + max_seconds
    total, deleted = 0, CHUNK
    with connect("prism-retention") as connection:
        while deleted == CHUNK and time.monotonic() < until:
            deleted = connection.execute(
                "DELETE FROM cap_counters WHERE key = ANY (ARRAY("
                "SELECT key FROM cap_counters WHERE expires_on < %s ORDER BY expires_on LIMIT %s))",
                [cutoff, CHUNK],
            ).rowcount
            total += deleted
    if total:
        log.info("cap_counters_cleaned", counters=total)
    return total


def clean_contact_paces(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Delete when the next message to an address might leave, where that moment is long past. How many went."""
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=1)
    until = time.monotonic() + max_seconds
    total, deleted = 0, CHUNK
    with connect("prism-retention") as connection:
        while deleted == CHUNK and time.monotonic() < until:
            # Locked ones are in use. (The table has no index on the moment: it would be written with every message.)
            deleted = connection.execute(
                "DELETE FROM contact_paces WHERE key = ANY (ARRAY("
                "SELECT key FROM contact_paces WHERE next_at < %s LIMIT %s FOR UPDATE SKIP LOCKED))",
                [cutoff, CHUNK],
            ).rowcount
            total += deleted
    if total:
        log.info("contact_paces_cleaned", counters=total)
    return total


def clean_unsettled(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Take failures, unknowns and overdue deliveries past DEAD_LETTER_RETENTION_DAYS out of the operators' lists; the
    history keeps them. How many went."""
    days = min(settings.DEAD_LETTER_RETENTION_DAYS, settings.DISPATCH_RETENTION_DAYS)
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=days)
    until = time.monotonic() + max_seconds
    total = 0
    with connect("prism-retention") as connection:
        for table in _LISTS:
            statement = sql.SQL(_UNSETTLED).format(sql.Identifier(table))
            deleted = CHUNK
            while deleted == CHUNK and time.monotonic() < until:
                deleted = connection.execute(statement, [uuid_floor(cutoff), cutoff, CHUNK]).rowcount
                total += deleted
    if total:
        log.info("unsettled_cleaned", count=total)
    return total


def analyze_partitions() -> tuple[str, ...]:
    """Statistics of the partitioned parents, which autovacuum never looks at; their partitions it does look after."""
    parents = (*TABLES, "trigger_receipts")
    with connect("prism-retention", statement_timeout=JOB_SECONDS) as connection:
        for parent in parents:
            connection.execute(sql.SQL("ANALYZE ONLY {}").format(sql.Identifier(parent)))
    return parents
