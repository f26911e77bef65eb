"""Which dispatch a vendor means by its own message id: the key, and the look-up by it (decision 29)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from hashlib import blake2b

import psycopg

from dispatching import arrays
from dispatching.partitions import uuid_floor

# The newest dispatch of a repeated id is meant. Partitions are read from the newest on and only until it is found: the
# order of their bounds is that of the index.
_FIND = """
SELECT replace(e.key::text, '-', ''), e.tenant_id, found.dispatch_id::text
FROM unnest(%s::uuid[], %s::bigint[]) AS e (key, tenant_id)
CROSS JOIN LATERAL (
  SELECT m.dispatch_id FROM provider_messages m
  WHERE m.key = e.key AND m.tenant_id = e.tenant_id AND m.dispatch_id < %s::uuid
  ORDER BY m.dispatch_id DESC LIMIT 1) found
"""
AHEAD = dt.timedelta(days=1)
"""No dispatch is younger than now, but clocks differ; the partitions made ahead are not looked into."""


def message_key(provider_id: str, message_id: str) -> str:
    """The 16 bytes, as 32 hexadecimal digits, by which a vendor's message id is found; `provider_id` as UUID text."""
    return blake2b(f"{provider_id}\x1f{message_id}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def find_dispatches(
    cursor: psycopg.Cursor, wanted: Collection[tuple[str, int]], now: dt.datetime
) -> dict[tuple[str, int], str]:
    """(key, tenant id) → id of the dispatch, for those that are known."""
    if not wanted:
        return {}
    keys, tenants = zip(*wanted, strict=True)
    newest = str(uuid_floor(now + AHEAD))
    cursor.execute(_FIND, [arrays.plain(keys), arrays.plain(tenants), newest])
    return {(key, tenant_id): dispatch_id for key, tenant_id, dispatch_id in cursor.fetchall()}
