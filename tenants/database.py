"""Raw PostgreSQL connections for workers: where Django's settings point, with time-outs and a name of their own."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_loads

# A peer that vanished without a word is noticed in about 25 s, also in the middle of a statement.
KEEPALIVE: dict[str, int] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
# What Django's own connection adds for its ORM.
DJANGO_ONLY = ("cursor_factory", "context", "prepare_threshold")


def connect(
    application_name: str,
    *,
    statement_timeout: float = 30.0,
    lock_timeout: float = 10.0,
    idle_in_transaction_timeout: float = 60.0,
    **parameters: str,
) -> psycopg.Connection[TupleRow]:
    """A new connection in autocommit, UTC, to the database that Django's settings name at this moment.

    Time-outs are seconds; 0 turns one off. `parameters` are further server settings of the session, such as
    synchronous_commit="off". The caller owns the connection: one thread, reopened by its owner on failure.
    Raises psycopg.OperationalError when the server cannot be reached.
    """
    server = {
        "TimeZone": "UTC",
        "statement_timeout": f"{statement_timeout * 1000:.0f}",
        "lock_timeout": f"{lock_timeout * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{idle_in_transaction_timeout * 1000:.0f}",
        **parameters,
    }
    address = _address()
    options = " ".join([str(address.pop("options", "")), *(f"-c {name}={value}" for name, value in server.items())])
    connection = psycopg.connect(
        **{**KEEPALIVE, **address, "application_name": application_name, "options": options.strip()}, autocommit=True
    )
    set_json_loads(msgspec.json.decode, connection)
    return connection


def _address() -> dict[str, Any]:
    """libpq's parameters from Django's DATABASES, read now: tests point the settings at their own database."""
    wrapper = connections["default"]
    for option in ("assume_role", "isolation_level"):
        if wrapper.settings_dict["OPTIONS"].get(option):
            raise ImproperlyConfigured(f"DATABASE_URL: {option} is not supported. Connect as the role itself")
    address: dict[str, Any] = dict(wrapper.get_connection_params())
    return {name: value for name, value in address.items() if name not in DJANGO_ONLY}
