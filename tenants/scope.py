"""A transaction that acts for one tenant: the settings that row-level security and SQL functions read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from tenants.origin import origin_as_json

SETTINGS = ("prism.tenant", "prism.user", "prism.operator", "prism.superuser", "prism.origin")


@contextmanager
def tenant_scope(
    tenant_id: int | None, *, user_id: int | None = None, operator: bool = False, superuser: bool = False
) -> Iterator[None]:
    """Open a transaction and name its tenant; the settings end with it, also when it is nested in another one."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        before = _read() if nested else None
        _write(
            "" if tenant_id is None else str(tenant_id),
            "" if user_id is None else str(user_id),
            "on" if operator else "",
            "on" if superuser else "",
            origin_as_json(),
        )
        yield
        # A rolled back savepoint takes its settings along; a released one would leave them behind.
        if before is not None and not connection.needs_rollback:
            _write(*before)


def _read() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"COALESCE(current_setting('{name}', true), '')" for name in SETTINGS))
        row: tuple[str, ...] = cursor.fetchone() or ()
        return row


def _write(*values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in SETTINGS), values)
