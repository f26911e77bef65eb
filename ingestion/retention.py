"""What doors keep for a time and then lose in chunks. Dead letters for DEAD_LETTER_RETENTION_DAYS (contract.md,
Providers): rejected triggers, and dispatches from the lists of what failed or is unknown. Vendors' calls for
WEBHOOK_RETENTION_DAYS."""

from __future__ import annotations

import datetime as dt
import time

import structlog
from django.conf import settings

from dispatching.partitions import uuid_floor
from dispatching.retention import clean_unsettled
from ingestion import call_rows
from ingestion.rejections import delete_older
from tenants.database import connect

log = structlog.get_logger("prism.ingestion")

JOB_SECONDS = 180.0
CHUNK = 2_000


def clean_dead_letters(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Delete what is too old, but for what waits to be replayed. How many went."""
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=settings.DEAD_LETTER_RETENTION_DAYS)
    until = time.monotonic() + max_seconds
    gone = 0
    with connect("prism-retention") as connection, connection.cursor() as cursor:
        while time.monotonic() < until and (deleted := delete_older(cursor, than=cutoff)):
            gone += deleted
    if gone:
        log.info("dead_letters_cleaned", count=gone)
    return gone + clean_unsettled(now, max_seconds=max(1.0, until - time.monotonic()))


def clean_webhook_calls(now: dt.datetime | None = None, *, max_seconds: float = JOB_SECONDS) -> int:
    """Delete vendors' calls that are too old, but for those that still wait to be read. How many went."""
    cutoff = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    floor = str(uuid_floor(cutoff))
    until = time.monotonic() + max_seconds
    gone = 0
    with connect("prism-retention") as connection, connection.cursor() as cursor:
        while time.monotonic() < until and (deleted := call_rows.delete_older(cursor, floor, CHUNK)):
            gone += deleted
    return gone
