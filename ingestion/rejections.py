"""Dead letters: what became no dispatch, with its reason, place and bounded raw bytes; one COPY per batch."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

import psycopg
from psycopg.types.json import Jsonb

from ingestion.records import Fault, Headers, Record
from ingestion.wording import cleaned

RAW_LIMIT = 65_536
MAX_HEADERS = 30
MAX_HEADER = 1_000

_COLUMNS = (
    'id, tenant_id, code, path, message, topic, partition, "offset", record_at, journey_name, correlation_id, headers,'
    " raw, raw_size, state, state_changed_by"
)
_COPY = f"COPY rejected_triggers ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TYPES = (
    "uuid", "int8", "varchar", "varchar", "text", "varchar", "int4", "int8", "timestamptz", "varchar", "varchar",
    "jsonb", "bytea", "int8", "varchar", "varchar",
)  # fmt: skip
_DELETE = """
DELETE FROM rejected_triggers WHERE id IN (
  SELECT id FROM rejected_triggers WHERE created_at < %s AND state <> 'replay_requested' LIMIT %s
  FOR UPDATE SKIP LOCKED)
"""


def write(cursor: psycopg.Cursor, rejected: Sequence[tuple[Record, Fault]]) -> None:
    """Store them in the caller's transaction, which is the one that moves the positions past them."""
    if not rejected:
        return
    with cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for record, fault in rejected:
            copy.write_row(_row(record, fault))


def delete_older(cursor: psycopg.Cursor, *, than: dt.datetime, limit: int = 5_000) -> int:
    """Delete a chunk of dead letters past their time (DEAD_LETTER_RETENTION_DAYS). How many: repeat until 0."""
    return cursor.execute(_DELETE, [than, limit]).rowcount


def bounded_headers(headers: Headers) -> list[list[str]]:
    """Headers as text that can be stored and shown; bytes that are no text are written as \\x escapes."""
    return [
        [cleaned(name, MAX_HEADER), cleaned((value or b"").decode(errors="backslashreplace"), MAX_HEADER)]
        for name, value in headers[:MAX_HEADERS]
    ]


def headers_of(stored: Iterable[Sequence[str]]) -> Headers:
    """The other way round, for a replay."""
    return [(name, value.encode()) for name, value in stored]


def _row(record: Record, fault: Fault) -> tuple[object, ...]:
    value = record.value or b""
    return (
        uuid.uuid4(),
        fault.tenant_id,
        fault.code,
        fault.path,
        fault.message,
        record.topic,
        record.partition,
        record.offset,
        record.record_at,
        fault.journey_name,
        fault.correlation_id,
        Jsonb(bounded_headers(record.headers)),
        value[:RAW_LIMIT],
        len(value),
        "open",
        "",
    )
