"""Write what became of dispatches: outcome, fact and the vendor's message id in one statement, guarded by status and
version (decision 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from dispatching import arrays, rows, signs
from dispatching.copying import copy_rows, optional, text
from dispatching.facts import COLUMNS, insert_counts, insert_facts
from dispatching.ids import mint_ids
from dispatching.parcels import LaneKey
from dispatching.provider_messages import message_key
from dispatching.results import Move

# A waiting dispatch moves if nobody recorded anything since (version). One that the reaper made UNKNOWN takes the late
# answer of the process that was thought dead (the try was counted then); after an operator's replay it takes none.
_GUARD = """
((d.status IN ('PENDING', 'SCHEDULED') AND d.version = e.version) OR (d.status = 'UNKNOWN' AND d.version = e.version + 1
  AND e.status <> 'UNKNOWN'))
"""
_MOVE = f"""
WITH e AS (
  SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(statuses)s::text[], %(reasons)s::text[],
    %(errors)s::text[], %(message_ids)s::text[], %(responses)s::jsonb[], %(dispatched)s::timestamptz[],
    %(returned)s::timestamptz[], %(counted)s::smallint[], %(message_keys)s::uuid[])
  AS e (id, version, status, reason, error, message_id, response, dispatched_at, returned_at, counted, message_key)),
moved AS (
  UPDATE dispatches d SET status = e.status, reason = e.reason, error_message = e.error,
    provider_message_id = e.message_id, provider_response = e.response,
    dispatched_at = COALESCE(e.dispatched_at, d.dispatched_at), returned_at = COALESCE(e.returned_at, d.returned_at),
    version = d.version + 1, attempts = d.attempts + e.counted - (d.status = 'UNKNOWN')::int
  FROM e WHERE d.id = e.id AND d.id BETWEEN %(low)s::uuid AND %(high)s::uuid AND {_GUARD}
  RETURNING {", ".join("d." + name.strip() for name in COLUMNS.split(","))}, e.message_key),
facts AS ({insert_facts("moved")}),
counts AS ({insert_counts("moved")}),
messages AS (
  INSERT INTO provider_messages (key, dispatch_id, tenant_id)
  SELECT message_key, id, tenant_id FROM moved WHERE message_key IS NOT NULL
  ON CONFLICT DO NOTHING)
SELECT id::text FROM moved
"""

_ENCODE = msgspec.json.Encoder().encode
ATTEMPTS = (
    "dispatch_id, id, tenant_id, number, outcome, reason, error_message, provider_response, dispatched_at, returned_at,"
    " next_at, created_at"
)


def record_moves(cursor: psycopg.Cursor, moves: Sequence[Move], now: dt.datetime) -> set[str]:
    """Apply the moves that still may be, with their facts, due rows and attempts. Returns the ids that moved.

    Of several moves of one dispatch the first counts.
    """
    if not moves:
        return set()
    # By id, so that two recorders of the same rows (this one and the reaper) never wait for each other crosswise.
    by_id = {move.parcel.id: move for move in reversed(moves)}
    ordered = [by_id[identifier] for identifier in sorted(by_id)]
    cursor.execute(_MOVE, _parameters(ordered))
    moved = {row[0] for row in cursor.fetchall()}
    _write_due(cursor, [move for move in ordered if move.due_at and move.parcel.id in moved])
    signs.record_told(cursor, signs.of_moves(ordered, moved, now))
    _write_attempts(cursor, [move for move in ordered if _tells_more(move) and move.parcel.id in moved], now)
    return moved


def _parameters(moves: Sequence[Move]) -> dict[str, object]:
    return {
        "ids": arrays.plain([move.parcel.id for move in moves]),
        "versions": arrays.plain([move.parcel.version for move in moves]),
        "statuses": arrays.plain([move.status.value for move in moves]),
        "reasons": arrays.texts([move.reason for move in moves]),
        "errors": arrays.texts([move.error for move in moves]),
        "message_ids": arrays.texts([move.message_id for move in moves]),
        "message_keys": arrays.plain(
            [message_key(move.lane_provider, move.message_id) if move.message_id else None for move in moves]
        ),
        "responses": arrays.texts([_json(move.response) for move in moves]),
        "dispatched": arrays.texts([_iso(move.dispatched_at) for move in moves]),
        "returned": arrays.texts([_iso(move.returned_at) for move in moves]),
        "counted": arrays.plain([int(move.counted) for move in moves]),
        "low": moves[0].parcel.id,
        "high": moves[-1].parcel.id,
    }


def _write_due(cursor: psycopg.Cursor, moves: Sequence[Move]) -> None:
    copy_rows(
        cursor,
        "due_dispatches",
        rows.DUE,
        [
            rows.due_line(
                move.parcel.id, LaneKey(move.lane_provider, move.lane_class), move.due_at, move.parcel.not_after
            )
            for move in moves
            if move.due_at
        ],
    )


def _tells_more(move: Move) -> bool:
    """A first try that ended the dispatch is told by the dispatch itself; every other try gets a row."""
    return bool(move.outcome) and (move.due_at is not None or move.parcel.attempts > 0)


def _write_attempts(cursor: psycopg.Cursor, moves: Sequence[Move], now: dt.datetime) -> None:
    identifiers = mint_ids(now, len(moves))
    stamp = now.isoformat()
    copy_rows(
        cursor,
        "attempts",
        ATTEMPTS,
        [
            "\t".join(
                (
                    move.parcel.id,
                    identifier,
                    str(move.parcel.tenant_id),
                    str(move.parcel.attempts + 1),
                    move.outcome,
                    text(move.reason),
                    optional(move.error),
                    optional(_json(move.response)),
                    optional(_iso(move.dispatched_at)),
                    optional(_iso(move.returned_at)),
                    optional(_iso(move.due_at)),
                    stamp,
                )
            )
            for move, identifier in zip(moves, identifiers, strict=True)
        ],
    )


def _json(response: Any) -> str | None:
    return None if response is None else _ENCODE(response).decode()


def _iso(value: dt.datetime | None) -> str | None:
    return value.isoformat() if value else None
