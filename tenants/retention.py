"""Sessions end where they expire; failed sign-ins are kept for a month."""

from __future__ import annotations

from django.db import connection

FAILURES_KEPT_DAYS = 30
CHUNK = 5_000

_SESSIONS = """
DELETE FROM django_session WHERE session_key IN (
  SELECT session_key FROM django_session WHERE expire_date < now() LIMIT %s)
"""
_FAILURES = """
DELETE FROM axes_accessattempt WHERE id IN (
  SELECT id FROM axes_accessattempt WHERE attempt_time < now() - make_interval(days => %s) LIMIT %s)
"""


def clean_sign_ins() -> int:
    """Delete in chunks, each its own transaction. Returns how many sessions and failed sign-ins went."""
    return _delete(_SESSIONS, [CHUNK]) + _delete(_FAILURES, [FAILURES_KEPT_DAYS, CHUNK])


def _delete(statement: str, parameters: list[int]) -> int:
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            deleted: int = cursor.rowcount
        gone += deleted
        if deleted < CHUNK:
            return gone
