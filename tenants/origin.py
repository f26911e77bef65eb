"""Where a change comes from besides the person: kept with every line of the audit trail (decision 25)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NOWHERE: Mapping[str, str | int] = {}
_origin: ContextVar[Mapping[str, str | int]] = ContextVar("origin", default=_NOWHERE)


@contextmanager
def origin(**told: str | int | None) -> Iterator[None]:
    """Say where what is done inside comes from: `path` and `request` of a request, `key` (id) of a program.

    Enter it before `tenants.scope.tenant_scope`, which hands it to the database.
    """
    known = {name: value for name, value in told.items() if value not in (None, "")}
    token = _origin.set({**_origin.get(), **known})
    try:
        yield
    finally:
        _origin.reset(token)


def origin_as_json() -> str:
    """What has been said, for the database; "" where nothing has."""
    told = _origin.get()
    return json.dumps(dict(told)) if told else ""
