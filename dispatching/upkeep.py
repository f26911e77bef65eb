"""The hourly job that keeps weeks ahead: makes what is missing, and raises the alarm where it cannot."""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import connection, transaction

from dispatching.partitions import WEEKS_AHEAD, ensure_partitions

log = structlog.get_logger("prism.dispatching")

LOCK_SECONDS = 10


class MissingPartitionsError(Exception):
    """Weeks without a partition: triggers of those weeks cannot be planned. The text names them."""


def keep_partitions_ahead(now: dt.datetime | None = None, *, weeks_ahead: int = WEEKS_AHEAD) -> tuple[str, ...]:
    """Make the weeks ahead; returns what was made. Raises MissingPartitionsError, after an alarm."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Behind a long statement on the parent it would wait, and everything else behind it: the next run is soon.
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_SECONDS}s"])
        coverage = ensure_partitions(connection, now or dt.datetime.now(dt.UTC), weeks_ahead)
    if coverage.created:
        log.info("partitions_created", partitions=list(coverage.created))
    if coverage.missing:
        log.error("partition_missing", partitions=list(coverage.missing), result="failure")
        raise MissingPartitionsError(f"Partitions are missing: {', '.join(coverage.missing)}")
    return coverage.created
