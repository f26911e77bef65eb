"""The database as the web process sees it: signed in as its own role, or by SET ROLE inside a test's transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

Web = Callable[[], AbstractContextManager[None]]


@contextmanager
def as_web_process() -> Iterator[None]:
    """Django speaks as `prism_web` over a connection of its own: what earlier steps made has to be committed."""
    with _signed_in_by("WEB_DATABASE_URL"):
        yield


@contextmanager
def as_owner() -> Iterator[None]:
    """Back to the owner for a moment, inside `as_web_process`."""
    with _signed_in_by("DATABASE_URL"):
        yield


@contextmanager
def _signed_in_by(variable: str) -> Iterator[None]:
    url = urlsplit(os.environ[variable])
    before = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=url.username, PASSWORD=url.password)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@contextmanager
def as_web_role() -> Iterator[None]:
    """The same rights within the test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f'SET ROLE "{settings.WEB_DATABASE_ROLE}"')
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


@contextmanager
def as_owner_role() -> Iterator[None]:
    """Back to the owner for a moment, inside `as_web_role`."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            yield
        finally:
            cursor.execute(f'SET ROLE "{settings.WEB_DATABASE_ROLE}"')
