"""This room's connections: raw psycopg with the plans its statements were written for."""

from __future__ import annotations

import psycopg

from tenants.database import connect as connect_raw


def connect(application_name: str) -> psycopg.Connection:
    """Autocommit, one per thread, reopened by its owner on failure.

    Set-wise statements join a few ids with huge tables: an index probe per id, whatever the statistics of a young or
    just emptied table say, in the order of the ids (which is the order locks are taken in).
    """
    return connect_raw(application_name, enable_hashjoin="off", enable_mergejoin="off", enable_seqscan="off")


def is_passing(error: psycopg.Error) -> bool:
    """Trouble that ends without a change of what we write, so that the transaction is worth trying again: the server is
    away, a lock was not had in time, or a partition is missing (23514 without a name) until somebody makes it."""
    if isinstance(error, psycopg.errors.CheckViolation):
        return not error.diag.constraint_name
    return isinstance(error, psycopg.OperationalError)
