"""What became of a COMMIT whose answer was lost (decision 11)."""

from __future__ import annotations

import psycopg

_ID = "SELECT pg_current_xact_id()::text"
_STATUS = "SELECT pg_xact_status(%s::xid8)"


def transaction_id(cursor: psycopg.Cursor) -> str:
    """PostgreSQL's id of the cursor's transaction, to be asked for later."""
    row = cursor.execute(_ID).fetchone()
    assert row is not None
    return str(row[0])


def was_committed(connection: psycopg.Connection, transaction: str) -> bool | None:
    """Over another connection. None: the old session is still at it; ask again later."""
    try:
        row = connection.execute(_STATUS, [transaction]).fetchone()
    except psycopg.errors.InvalidParameterValue:
        # An id that this server has not given out yet: it is another one, and never saw the transaction.
        return False
    status = row[0] if row else None
    return None if status == "in progress" else status == "committed"
