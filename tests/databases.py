"""Test databases: migrated once into a template that the migrations' own text names, then cloned in milliseconds."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests import session

CHECKOUT = Path(__file__).resolve().parents[1]
PREFIX, TEMPLATE = "prism_test_", "prism_template_"
IMPORTS = re.compile(r"^\s*(?:from|import)\s+([a-z_][\w.]*)", re.MULTILINE)

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """This process's own database, gone at the end."""
    from django.db import connection

    original = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django names no public type
        _clone()
        _point_django_at(_own_name())
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # as above
        _point_django_at(original)
        with _admin() as admin:
            _drop(admin, _own_name())


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a process that works on this test's database: for management commands started by a test."""
    return {**os.environ, **own_urls()}


def own_urls() -> dict[str, str]:
    """The two addresses of this process's own database."""
    return {name: at_database(os.environ[name], _own_name()) for name in ("DATABASE_URL", "WEB_DATABASE_URL")}


def at_database(url: str, name: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def restore_after_committing_tests() -> None:
    """A test that commits leaves a fresh clone behind.

    Django would empty every table instead, also of the rows that migrations made, and would keep new partitions.
    """
    from django.test import TransactionTestCase

    def restore(_self: TransactionTestCase) -> None:
        from django.db import connections

        connections.close_all()
        _clone()

    TransactionTestCase._fixture_teardown = restore  # type: ignore[attr-defined]  # Django's seam for this


def drop_those_of_dead_runs(connection: Connection) -> None:
    """Databases of runs that were killed; those in use stay."""
    for name in _names(connection, PREFIX):
        if session.is_dead(connection, name.removeprefix(PREFIX).partition("_")[0]):
            with _admin() as admin:
                _drop(admin, name)


def _own_name() -> str:
    return f"{PREFIX}{os.environ[session.RUN]}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


def _clone() -> None:
    """This process's database as the migrations left it, whatever was in it before."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as owner, _admin() as admin:
        _drop(admin, _own_name())
        # Held until the connection closes: another run may not replace the template under the copy. Many may copy.
        owner.execute("SELECT pg_advisory_lock_shared(hashtextextended('prism_template', 0))")
        template = f"{TEMPLATE}{_fingerprint()}"
        if template not in _names(owner, TEMPLATE):
            owner.execute("SELECT pg_advisory_unlock_shared(hashtextextended('prism_template', 0))")
            owner.execute("SELECT pg_advisory_lock(hashtextextended('prism_template', 0))")
            _make_template(owner, admin, template)
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {} TABLESPACE {}")
        space = os.environ.get(session.SPACE) or "pg_default"
        owner.execute(clone.format(*map(sql.Identifier, (_own_name(), template, space))))


def _make_template(owner: Connection, admin: Connection, template: str) -> None:
    """Unless another process was first."""
    present = _names(owner, TEMPLATE)
    if template in present:
        return
    for outdated in present:
        _drop(admin, outdated)
    half = f"{template}_half"
    _drop(admin, half)
    owner.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(half)))
    _migrate(half)
    owner.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(half), sql.Identifier(template)))


def _migrate(name: str) -> None:
    from django.core.management import call_command
    from django.db import connection

    before = connection.settings_dict["NAME"]
    _point_django_at(name)
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        _point_django_at(before)


def _point_django_at(name: str) -> None:
    from django.conf import settings
    from django.db import connections

    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name


def _fingerprint() -> str:
    """Changes with any migration, with what they import, and with the day: partitions are made from today on."""
    digest = hashlib.blake2b(dt.datetime.now(dt.UTC).date().isoformat().encode(), digest_size=8)
    seen: set[Path] = set()
    # Settings name the apps; access.py grants at the end of every migrate.
    waiting = [
        *CHECKOUT.glob("*/migrations/*.py"),
        *(CHECKOUT / "prism" / f"{name}.py" for name in ("settings", "access")),
    ]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        text = path.read_text()
        local = (CHECKOUT / Path(*name.split(".")).with_suffix(".py") for name in IMPORTS.findall(text))
        waiting += [module for module in local if module.exists()]
    # The audit trail's triggers are made of the models' columns at the end of every migrate.
    recorded = {*CHECKOUT.glob("*/models.py"), *CHECKOUT.glob("prism/history/*.py")}
    for path in sorted({*seen, *recorded, CHECKOUT / "requirements" / "runtime.txt"}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _admin() -> Connection:
    """The superuser of the embedded cluster: only he may end sessions of both roles."""
    return psycopg.connect(os.environ[session.ADMIN_URL], autocommit=True)


def _names(connection: Connection, prefix: str) -> list[str]:
    rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (prefix,))
    return [str(row[0]) for row in rows]


def _drop(admin: Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
