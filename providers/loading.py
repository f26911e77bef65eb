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


_SECRETS = "SELECT provider_id::text, name, value, hosts FROM provider_secrets"
_PROVIDERS = (
    "SELECT id::text, tenant_id, provider_name, provider_type, is_active, configuration, max_messages_per_minute"
    " FROM providers"
)


def load_providers(cursor: psycopg.Cursor) -> dict[str, ProviderState]:
    """Provider id → state; one broken provider never breaks the loading of others."""
    secrets: dict[str, dict[str, Secret]] = {}
    for provider_id, *secret in cursor.execute(_SECRETS).fetchall():
        _add(secrets.setdefault(provider_id, {}), *secret)
    return {row[0]: _state(row, secrets.get(row[0], {})) for row in cursor.execute(_PROVIDERS).fetchall()}


def load_provider(cursor: psycopg.Cursor, provider_id: str) -> ProviderState | None:
    """One of them; None where it is gone."""
    secrets: dict[str, Secret] = {}
    for _provider_id, *secret in cursor.execute(_SECRETS + " WHERE provider_id = %s", [provider_id]).fetchall():
        _add(secrets, *secret)
    row = cursor.execute(_PROVIDERS + " WHERE id = %s", [provider_id]).fetchone()
    return _state(row, secrets) if row else None


def _add(secrets: dict[str, Secret], name: str, value: Any, hosts: list[str]) -> None:
    plain = _DECRYPT.from_db_value(value, None, None)
    if plain != UNREADABLE:
        secrets[name] = Secret(plain, frozenset(hosts))


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
        public_url=django_settings.PUBLIC_URL,
        webhook_key=django_settings.SECRET_KEY,
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
