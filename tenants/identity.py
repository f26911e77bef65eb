"""Who is acting, for which tenant, and what that role may do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from django.db import connection
from django.http import HttpRequest

from tenants.models import Role


class Capability(StrEnum):
    """What a door asks for. Author and operator are different work, so neither contains the other."""

    VIEW = "view"
    EDIT = "edit"
    OPERATE = "operate"
    ADMINISTER = "administer"


CAPABILITIES: dict[str, frozenset[Capability]] = {
    Role.VIEWER: frozenset({Capability.VIEW}),
    Role.AUTHOR: frozenset({Capability.VIEW, Capability.EDIT}),
    Role.OPERATOR: frozenset({Capability.VIEW, Capability.OPERATE}),
    Role.ADMIN: frozenset(Capability),
}


class Identity(msgspec.Struct, frozen=True):
    """The tenant a request acts for, and the role it acts with. `several`: the person may switch to another one.

    A program has the scopes of its key (`key_id`) in place of a role. `second_factor`: what the tenant asks for,
    `factor_id`: what the person has.
    """

    id: int
    slug: str
    name: str
    timezone: str
    locale: str
    role: str
    several: bool = False
    key_id: int | None = None
    second_factor: str = "optional"
    factor_id: int | None = None
    scopes: frozenset[str] = frozenset()

    def can(self, capability: Capability) -> bool:
        return capability in (self.scopes if self.key_id is not None else CAPABILITIES[self.role])


def identities_of(user_id: int) -> list[Identity]:
    """All memberships of a user in active tenants, through the one function that sees past row-level security."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS}, role, prism_second_factor(%s) FROM prism_identity(%s)", [user_id, user_id])
        rows = cursor.fetchall()
    return [Identity(**_named(row), several=len(rows) > 1) for row in rows]


def default_identity(slug: str, user_id: int) -> Identity | None:
    """What a superuser without membership acts for."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS}, %s, prism_second_factor(%s) FROM prism_tenant(%s)", [Role.ADMIN, user_id, slug]
        )
        row = cursor.fetchone()
    return Identity(**_named(row)) if row else None


_COLUMNS = "tenant_id, slug, name, timezone, locale, second_factor"


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "slug", "name", "timezone", "locale", "second_factor", "role", "factor_id")
    return dict(zip(names, row, strict=True))


def tenant_of(request: HttpRequest) -> Identity | None:
    """The identity that the middleware put on the request; None where nobody with a tenant is signed in."""
    identity: Identity | None = getattr(request, "tenant", None)
    return identity


def may(request: HttpRequest, capability: Capability) -> bool:
    identity = tenant_of(request)
    return identity is not None and identity.can(capability)
