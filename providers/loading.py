"""All providers of all tenants, resolved, for the snapshot that workers decide from."""

from __future__ import annotations

import msgspec
import psycopg
from django.conf import settings as django_settings

from providers.fields import UNREADABLE, EncryptedTextField
from providers.registry import UnknownVendor, transport_for
from providers.settings import ProviderSettings, resolve
from providers.transports import Transport

_DECRYPT = EncryptedTextField()


class ProviderState(msgspec.Struct, frozen=True):
    """A provider as the gates see it. `problem` says why it cannot be used, None where it can."""

    id: str
    tenant_id: int
    name: str
    type: str
    is_active: bool
    settings: ProviderSettings | None
    transport: Transport | None
    problem: str | None


def load_providers(cursor: psycopg.Cursor) -> dict[str, ProviderState]:
    """Provider id → state; one broken provider never breaks the loading of others."""
    secrets: dict[str, dict[str, str]] = {}
    for provider_id, name, value in cursor.execute("SELECT provider_id::text, name, value FROM provider_secrets"):
        plain = _DECRYPT.from_db_value(value, None, None)
        if plain != UNREADABLE:
            secrets.setdefault(provider_id, {})[name] = plain
    cursor.execute(
        "SELECT id::text, tenant_id, provider_name, provider_type, is_active, configuration, max_messages_per_minute"
        " FROM providers"
    )
    return {row[0]: _state(row, secrets.get(row[0], {})) for row in cursor.fetchall()}
