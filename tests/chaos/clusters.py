"""Django pointed at a cluster of a test's own, for as long as it writes that world's campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from django.db import connections


@contextmanager
def django_at(database_url: str) -> Iterator[None]:
    parts = urlsplit(database_url)
    there = {
        "HOST": parts.hostname,
        "PORT": str(parts.port),
        "USER": parts.username,
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.lstrip("/"),
    }
    current = connections["default"].settings_dict
    before = {name: current[name] for name in there}
    connections.close_all()
    current.update(there)
    try:
        yield
    finally:
        connections.close_all()
        current.update(before)
