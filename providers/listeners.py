"""Providers as those see them who take their calls: found by id past row-level security, kept for a few seconds.

A provider that is switched off or lacks a credential of its own is still heard: what it sent before is reported now.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import msgspec
from django.conf import settings as django_settings

from providers.credentials import Secret
from providers.fields import UNREADABLE, EncryptedTextField
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings, resolve
from providers.transports import Hearing

GOOD_FOR_S = 5.0
MOST = 10_000
"""Kept at once; beyond, the memory is emptied and filled anew."""

_FIND = "SELECT * FROM prism_webhook_provider(%s, %s)"
_DECRYPT = EncryptedTextField()


class UnreadableProvider(Exception):  # noqa: N818 - reads as what it says
    """The provider's row cannot be made sense of; the text names the kind of fault and nothing of the row."""


class Cursor(Protocol):
    """Django's, or psycopg's own."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...

    def fetchone(self) -> Any: ...


class Listener(msgspec.Struct, frozen=True):
    """A provider whose vendor reports by calls."""

    tenant_id: int
    settings: ProviderSettings
    transport: Hearing


class _Kept(msgspec.Struct):
    version: int
    until: float
    listener: Listener | None


class Listeners:
    """Shared by the threads of a process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def find(self, cursor: Cursor, provider_id: str) -> Listener | None:
        """None where there is no such provider, or where its vendor makes no calls. `provider_id` as UUID text. Raises
        UnreadableProvider, and what the database says where it fails."""
        kept = self._kept.get(provider_id)
        if kept is not None and time.monotonic() < kept.until:
            return kept.listener
        cursor.execute(_FIND, [provider_id, kept.version if kept else None])
        row = cursor.fetchone()
        if row is None:
            self._kept.pop(provider_id, None)
            return None
        listener = kept.listener if kept and kept.version == row[0] else _made(provider_id, *row[1:])
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[provider_id] = _Kept(row[0], time.monotonic() + GOOD_FOR_S, listener)
        return listener


def _made(provider_id: str, *columns: Any) -> Listener | None:
    try:
        return _listener(provider_id, *columns)
    except Exception as fault:
        raise UnreadableProvider(f"the provider's row cannot be read ({type(fault).__name__})") from fault


def _listener(
    provider_id: str,
    tenant_id: int,
    provider_type: str,
    configuration: str,
    names: list[str],
    values: list[bytes],
    hosts: list[str],
) -> Listener | None:
    settings = resolve(
        provider_id=provider_id,
        tenant_id=tenant_id,
        provider_type=provider_type,
        configuration=msgspec.json.decode(configuration),
        secrets=dict(_secrets(names, values, hosts)),
        allow_list=django_settings.PROVIDER_ENV_ALLOW_LIST,
        public_url=django_settings.PUBLIC_URL,
        webhook_key=django_settings.SECRET_KEY,
    )
    transport: object = TRANSPORTS.get(settings.vendor)
    return Listener(tenant_id, settings, transport) if isinstance(transport, Hearing) else None


def _secrets(names: list[str], values: list[bytes], hosts: list[str]) -> list[tuple[str, Secret]]:
    plain = [_DECRYPT.from_db_value(value, None, None) for value in values]
    return [
        (name, Secret(value, frozenset(msgspec.json.decode(places, type=list[str]))))
        for name, value, places in zip(names, plain, hosts, strict=True)
        if value != UNREADABLE
    ]
