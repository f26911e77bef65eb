"""The ledger decides what is new: one insert per batch, keys deduplicated and sorted first (decision 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
import psycopg

from dispatching import arrays

# A rejected key is taken over by a replay or a re-sent event; a planned one never is.
_TAKE = """
INSERT INTO trigger_receipts AS r (key, tenant_id, trigger_id, payload_digest, rejected, received_at)
SELECT key, tenant_id, trigger_id, payload_digest, rejected, %s
FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::bigint[], %s::boolean[])
  AS e (key, tenant_id, trigger_id, payload_digest, rejected)
ON CONFLICT (key) DO UPDATE SET trigger_id = EXCLUDED.trigger_id, payload_digest = EXCLUDED.payload_digest,
  rejected = EXCLUDED.rejected, received_at = EXCLUDED.received_at WHERE r.rejected
RETURNING replace(key::text, '-', '')
"""
_DIGESTS = "SELECT replace(key::text, '-', ''), payload_digest FROM trigger_receipts WHERE key = ANY(%s::uuid[])"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One event before the ledger. `key` is 32 hexadecimal digits."""

    key: str
    tenant_id: int
    trigger_id: str
    payload_digest: int
    rejected: bool


class Taken(msgspec.Struct, frozen=True):
    """Indices into the entries: new ones (accepted or refused), and those the ledger knew already."""

    new: list[int]
    repeated: list[int]
    other_payload: list[int]


def take_keys(cursor: psycopg.Cursor, entries: Sequence[Entry], received_at: dt.datetime) -> Taken:
    """Insert what is new; tell what is not. Of equal keys in one batch the first accepted one counts."""
    chosen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        holder = chosen.get(entry.key)
        if holder is None or (entries[holder].rejected and not entry.rejected):
            chosen[entry.key] = index
    # Sorted, or two batches that share keys wait for each other crosswise.
    ordered = [entries[index] for _, index in sorted(chosen.items())]
    won = _insert(cursor, ordered, received_at)
    known = {entry.key: entry.payload_digest for entry in ordered}
    if lost := [entry.key for entry in ordered if entry.key not in won]:
        known.update(cursor.execute(_DIGESTS, [lost]).fetchall())
    taken = Taken(new=[], repeated=[], other_payload=[])
    for index, entry in enumerate(entries):
        if entry.key in won and (chosen[entry.key] == index or (entry.rejected and index < chosen[entry.key])):
            taken.new.append(index)
        elif entry.payload_digest == known[entry.key]:
            taken.repeated.append(index)
        else:
            taken.other_payload.append(index)
    return taken


def _insert(cursor: psycopg.Cursor, entries: Sequence[Entry], received_at: dt.datetime) -> set[str]:
    if not entries:
        return set()
    cursor.execute(
        _TAKE,
        [
            received_at,
            arrays.plain([entry.key for entry in entries]),
            arrays.plain([entry.tenant_id for entry in entries]),
            arrays.plain([entry.trigger_id for entry in entries]),
            arrays.plain([entry.payload_digest for entry in entries]),
            arrays.plain([entry.rejected for entry in entries]),
        ],
    )
    return {row[0] for row in cursor.fetchall()}
