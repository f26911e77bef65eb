"""Checks of connections are kept for a month."""

from __future__ import annotations

from django.db import connection

KEPT_DAYS = 30
CHUNK = 5_000

_DELETE = """
DELETE FROM provider_checks WHERE id IN (
  SELECT id FROM provider_checks WHERE state = 'done' AND finished_at < now() - make_interval(days => %s) LIMIT %s
)
"""


def clean_provider_checks() -> int:
    """Delete in chunks, each its own transaction. Returns how many went."""
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [KEPT_DAYS, CHUNK])
            deleted: int = cursor.rowcount
            gone += deleted
            if deleted < CHUNK:
                return gone
