"""Dead letters are kept for DEAD_LETTER_RETENTION_DAYS (contract.md, Providers), then go in chunks: rejected triggers,
and dispatches from the lists of what failed or is unknown."""

from __future__ import annotations

import datetime as dt
import time

import structlog
from django.conf import settings

from dispatching.retention import clean_unsettled
from ingestion.rejections import delete_older
from tenants.database import connect

log = structlog.get_logger("prism.ingestion")

JOB_SECONDS = 180.0


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
