"""The database answers, is the right one, and keeps the web role small."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from prism import access, environment
from prism.doctor.findings import Finding

OLDEST = 180_000
LIMIT_S = 5


def database_answers() -> Iterator[Finding]:
    place = f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT']}/{connection.settings_dict['NAME']}"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int((cursor.fetchone() or ("0",))[0])
    except DatabaseError as error:
        yield Finding(
            _("The database at %(place)s does not answer: %(error)s") % {"place": place, "error": first_line(error)},
            _("Start it, or correct DATABASE_URL (host, port, password, database)."),
        )
        return
    if version < OLDEST:
        yield Finding(
            _("The database is PostgreSQL %(found)d; Prism needs 18 or newer.") % {"found": version // 10_000},
            _("Upgrade the server. `uuidv7()` and other things that Prism relies on are missing in older ones."),
        )


def web_role_is_weak() -> Iterator[Finding]:
    """Everything that would let the web role pass row-level security by."""
    role = settings.WEB_DATABASE_ROLE
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, pg_has_role(oid, current_user, 'MEMBER'),"
            " EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace)"
            " FROM pg_roles r WHERE rolname = %s",
            [role],
        )
        row = cursor.fetchone()
    if row is None:
        yield Finding(
            _("The web role %(role)s does not exist.") % {"role": role},
            _("Run: CREATE ROLE %(role)s LOGIN PASSWORD '…'; then manage.py migrate, which gives it its rights.")
            % {"role": role},
        )
        return
    powers = (
        _("is a superuser"),
        _("bypasses row-level security"),
        _("is a member of the owner's role"),
        _("owns tables"),
    )
    for power in (text for text, has in zip(powers, row, strict=True) if has):
        yield Finding(
            _("The web role %(role)s %(power)s: organisations are not kept apart.") % {"role": role, "power": power},
            _("Take that from the role, or give WEB_DATABASE_URL a role of its own."),
        )


def web_role_has_its_rights() -> Iterator[Finding]:
    extra, missing = access.drift(connection, settings.WEB_DATABASE_ROLE)
    if extra:
        yield Finding(
            _("The web role can reach what it must not: %(names)s.") % {"names": ", ".join(sorted(extra))},
            _("Run manage.py migrate: it sets the rights anew. Then find out who granted them."),
        )
    if missing:
        yield Finding(
            _("The web role lacks its rights on: %(names)s.") % {"names": ", ".join(sorted(missing))},
            _("Run manage.py migrate: it sets the rights anew."),
        )


def web_role_gets_in() -> Iterator[Finding]:
    """With the password of WEB_DATABASE_URL, into the same database on the same server."""
    web = environment.database("WEB_DATABASE_URL", "")
    identity = "SELECT current_database(), pg_postmaster_start_time()"
    try:
        with psycopg.connect(
            host=web["HOST"] or None,
            port=web["PORT"] or None,
            user=web["USER"],
            password=web["PASSWORD"],
            dbname=web["NAME"],
            connect_timeout=LIMIT_S,
        ) as theirs:
            seen = theirs.execute(identity).fetchone()
    except psycopg.Error as error:
        yield Finding(
            _("The web role cannot sign in with WEB_DATABASE_URL: %(error)s") % {"error": first_line(error)},
            _("Correct WEB_DATABASE_URL, or set the role's password to the one in it."),
        )
        return
    with connection.cursor() as cursor:
        cursor.execute(identity)
        if seen != cursor.fetchone():
            yield Finding(
                _("WEB_DATABASE_URL and DATABASE_URL are not the same database."),
                _("Point both at one database of one server; only the roles differ."),
            )


def first_line(error: BaseException) -> str:
    """What a driver says, without the lines that repeat addresses and rows."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
