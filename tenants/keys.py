"""API keys: minted once in the clear, kept as a digest, checked in constant time."""

from __future__ import annotations

import hmac
import secrets
from hashlib import blake2b

import msgspec
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _

from tenants.identity import Capability
from tenants.models import ApiKey

PREFIX_BYTES = 6
SECRET_BYTES = 32
MARK = "prism"
SCOPES = tuple(capability.value for capability in Capability)
"""A program is granted the same capabilities as a role, one by one."""
_NOBODY = bytes(32)
"""Compared with where the prefix is unknown, so that both answers take the same time."""


class KeyIdentity(msgspec.Struct, frozen=True):
    """The program behind a valid key: the tenant it acts for and what it may do."""

    key_id: int
    tenant_id: int
    slug: str
    timezone: str
    locale: str
    scopes: frozenset[str]

    def can(self, capability: Capability) -> bool:
        return capability in self.scopes


def mint_key(*, tenant_id: int, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    """Make a key. The second value is the key itself: show it now, it cannot be read again."""
    key = ApiKey(tenant_id=tenant_id, name=name, scopes=scopes)
    raw = furnish_key(key)
    key.full_clean()
    key.save(force_insert=True)
    return key, raw


def furnish_key(key: ApiKey) -> str:
    """Give an unsaved key its prefix and digest, and return the key in the clear."""
    unknown = sorted(set(key.scopes) - set(SCOPES))
    if unknown or not key.scopes:
        raise ValidationError(
            _("Scopes are one or more of %(known)s; not known: %(unknown)s."),
            code="unknown_scope",
            params={"known": ", ".join(SCOPES), "unknown": ", ".join(unknown) or "—"},
        )
    key.prefix = secrets.token_hex(PREFIX_BYTES)
    raw = f"{MARK}_{key.prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key.digest = digest_of(raw)
    key.scopes = sorted(set(key.scopes))
    return raw


def check_key(raw: str) -> KeyIdentity | None:
    """Who this key is, or None: unknown, wrong, revoked, or of a tenant that is switched off."""
    mark, _, rest = raw.partition("_")
    prefix, _, secret = rest.partition("_")
    row = _look_up(prefix) if mark == MARK and prefix and secret else None
    given = digest_of(raw)
    expected = bytes(row[-1]) if row else _NOBODY
    if not hmac.compare_digest(given, expected) or row is None:
        return None
    key_id, tenant_id, slug, timezone, locale, scopes, _digest = row
    with connection.cursor() as cursor:
        cursor.execute("SELECT prism_api_key_used(%s, %s)", [key_id, given])
    return KeyIdentity(key_id, tenant_id, slug, timezone, locale, frozenset(scopes))


def digest_of(raw: str) -> bytes:
    """32 bytes. The key holds 256 random bits, so one fast hash is as good as a slow one."""
    return blake2b(raw.encode("utf-8", "replace"), digest_size=32).digest()


def _look_up(prefix: str) -> tuple[int, int, str, str, str, list[str], bytes] | None:
    if "\x00" in prefix:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key_id, tenant_id, slug, timezone, locale, scopes, digest FROM prism_api_key(%s)", [prefix]
        )
        row: tuple[int, int, str, str, str, list[str], bytes] | None = cursor.fetchone()
        return row
