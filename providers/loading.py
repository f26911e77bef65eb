"""All providers of all tenants, resolved, for the snapshot that workers decide from."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg
from django.conf import settings as django_settings

from providers.credentials import Secret
from providers.fields import UNREADABLE, EncryptedTextField
from providers.registry import TRANSPORTS
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
    secrets: dict[str, dict[str, Secret]] = {}
    cursor.execute("SELECT provider_id::text, name, value, hosts FROM provider_secrets")
    for provider_id, name, value, hosts in cursor.fetchall():
        plain = _DECRYPT.from_db_value(value, None, None)
        if plain != UNREADABLE:
            secrets.setdefault(provider_id, {})[name] = Secret(plain, frozenset(hosts))
    cursor.execute(
        "SELECT id::text, tenant_id, provider_name, provider_type, is_active, configuration, max_messages_per_minute"
        " FROM providers"
    )
    return {row[0]: _state(row, secrets.get(row[0], {})) for row in cursor.fetchall()}


def _state(row: tuple[Any, ...], secrets: dict[str, Secret]) -> ProviderState:
    provider_id, tenant_id, name, provider_type, is_active, configuration, per_minute = row
    settings = resolve(
        provider_id=provider_id,
        tenant_id=tenant_id,
        provider_type=provider_type,
        configuration=configuration,
        secrets=secrets,
        allow_list=django_settings.PROVIDER_ENV_ALLOW_LIST,
        max_messages_per_minute=per_minute,
    )
    usable = settings.problem is None
    return ProviderState(
        id=provider_id,
        tenant_id=tenant_id,
        name=name,
        type=provider_type,
        is_active=is_active,
        settings=settings if usable else None,
        transport=TRANSPORTS[settings.vendor] if usable else None,
        problem=settings.problem,
    )
