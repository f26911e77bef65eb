"""What a reader may ask of the outbox: whether the fact of a dispatch has left for Kafka."""

from __future__ import annotations

import uuid

from django.db import connection


def fact_state(dispatch_id: uuid.UUID, contact_key: str) -> str:
    """One of "published", "waiting" and "parked"; "" where so much waits that nobody can tell quickly.

    `contact_key` is the key its facts are published under: the tax id, else the correlation id. Within a tenant's
    transaction (tenants.scope).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT prism_fact_state(%s, %s)", [str(dispatch_id), contact_key])
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else ""
