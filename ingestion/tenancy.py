"""Whose event it is: the record's header, else the topic's tenant, else the default one (contract.md, Tenants)."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from django.utils.translation import gettext as _

from ingestion import reasons
from ingestion.records import Fault, Record
from ingestion.wording import cleaned

HEADER = "tenant"
_VERSION = "SELECT version FROM config_version"
_TENANTS = "SELECT slug, id, is_active FROM tenants"


class TenantDirectory:
    """All tenants by slug, loaded again when the configuration has changed. Owned by one thread."""

    def __init__(self, *, default: str, by_topic: Mapping[str, str]) -> None:
        self._default = default
        self._by_topic = by_topic
        self._version: int | None = None
        self._tenants: dict[str, tuple[int, bool]] = {}

    def refresh(self, connection: psycopg.Connection) -> None:
        """Once per batch: one row is read, and the tenants only where it moved."""
        # The version first: a change that lands while loading makes the next comparison load again.
        row = connection.execute(_VERSION).fetchone()
        version = int(row[0]) if row else 0
        if version != self._version:
            self._tenants = {slug: (key, active) for slug, key, active in connection.execute(_TENANTS).fetchall()}
            self._version = version

    def tenant_of(self, record: Record) -> int | Fault:
        """The tenant's id. A header that is there but names nobody is a fault, never the default tenant."""
        named = {value for name, value in record.headers if name == HEADER} if record.headers else ()
        if not named:
            return self._look_up(self._by_topic.get(record.topic, self._default), "$")
        if len(named) > 1:
            return Fault(reasons.UNKNOWN_TENANT, "headers.tenant", _("The header is there twice, with two values."))
        return self._look_up((named.pop() or b"").decode(errors="replace"), "headers.tenant")

    def _look_up(self, slug: str, path: str) -> int | Fault:
        found = self._tenants.get(slug)
        if found is None:
            message = _("There is no organisation “%(slug)s”.") % {"slug": cleaned(slug, 100)}
            return Fault(reasons.UNKNOWN_TENANT, path, message)
        if not found[1]:
            message = _("The organisation “%(slug)s” is switched off.") % {"slug": slug}
            return Fault(reasons.TENANT_INACTIVE, path, message)
        return found[0]
