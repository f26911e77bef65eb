"""One transaction that plans triggers, and what is known of it when its COMMIT was never answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import psycopg
from psycopg.pq import TransactionStatus

from dispatching.planning import Plan
from dispatching.triggers import Trigger

BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a fault of ours raises over a value that nobody thought of."""
_TRANSACTION = "SELECT pg_current_xact_id()::text"
_STATUS = "SELECT pg_xact_status(%s::xid8)"


class Planning(Protocol):
    """What this room needs of the delivery engine (dispatching.engine.Engine)."""

    @property
    def failed(self) -> BaseException | None: ...
    def plan(self, cursor: psycopg.Cursor, triggers: Sequence[Trigger], now: dt.datetime) -> Plan: ...
    def accept(self, plan: Plan) -> None: ...
    def abandon(self, plan: Plan) -> None: ...
    def wait_for_room(self, timeout: float) -> bool: ...


class Doubt(msgspec.Struct):
    """A transaction whose COMMIT was sent and not answered: `transaction` is PostgreSQL's id of it."""

    transaction: str
    plan: Plan
    is_there: Callable[[psycopg.Connection], bool]
    """Whether what it wrote can be seen: a server that failed over may have given its id to another one."""
    settled: Callable[[], None]
    """What its owner does once it is known to be committed."""


class DoubtfulCommitError(Exception):
    def __init__(self, doubt: Doubt) -> None:
        super().__init__(f"transaction {doubt.transaction} was not answered")
        self.doubt = doubt


def plan_and_commit(
    connection: psycopg.Connection,
    engine: Planning,
    now: dt.datetime,
    *,
    before: Callable[[psycopg.Cursor], Sequence[Trigger]],
    after: Callable[[psycopg.Cursor, Plan], None],
    is_there: Callable[[psycopg.Connection], bool],
    settled: Callable[[], None],
) -> Plan:
    """`before` (it gives the triggers), their plan, `after` in one transaction; then `settled`, and the engine's go.

    Whatever raises rolls back and abandons the plan; DoubtfulCommitError says that nobody knows yet.
    """
    plan: Plan | None = None
    committing = ""
    try:
        with connection.transaction():
            cursor = connection.cursor()
            plan = engine.plan(cursor, before(cursor), now)
            after(cursor, plan)
            committing = _transaction_id(cursor)
    except BaseException as error:
        if plan is not None and committing and isinstance(error, psycopg.Error) and is_lost(connection):
            raise DoubtfulCommitError(Doubt(committing, plan, is_there, settled)) from error
        if plan is not None:
            engine.abandon(plan)
        raise
    settled()
    engine.accept(plan)
    return plan


def is_fault_of_an_event(connection: psycopg.Connection, engine: Planning, error: Exception) -> bool:
    """Whether a transaction failed for what one of its events holds, so that the others can go through without it."""
    if isinstance(error, psycopg.Error):
        return not is_lost(connection) and is_fault_of_a_row(error)
    # An event that a bug of ours cannot digest is isolated as well: it may not stop all others.
    return engine.failed is None and isinstance(error, BUGS)


def is_fault_of_a_row(error: psycopg.Error) -> bool:
    """A value that a column cannot hold, or a rule of the row that has a name. All else is ours (a missing partition is
    a 23514 without a name). The driver's own DataError, of a value that it cannot even write, has no SQLSTATE."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    if error.sqlstate.startswith("23"):
        return bool(error.diag.constraint_name)
    return error.sqlstate.startswith("22") or error.sqlstate == "54000"


def is_lost(connection: psycopg.Connection) -> bool:
    """Whether the server can no longer be asked over this connection."""
    return connection.closed or connection.info.transaction_status == TransactionStatus.UNKNOWN


def was_committed(connection: psycopg.Connection, doubt: Doubt) -> bool | None:
    """Over a new connection. None: the old session is still at it; ask again later."""
    try:
        row = connection.execute(_STATUS, [doubt.transaction]).fetchone()
    except psycopg.errors.InvalidParameterValue:
        # An id that this server has not given out yet: it is another one, and never saw the transaction.
        return False
    status = row[0] if row else None
    if status == "in progress":
        return None
    return status == "committed" and doubt.is_there(connection)


def _transaction_id(cursor: psycopg.Cursor) -> str:
    row = cursor.execute(_TRANSACTION).fetchone()
    assert row is not None
    return str(row[0])
