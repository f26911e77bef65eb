"""A provider as workers use it: its configuration, its credentials read, its knobs with their defaults. Pure."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from providers import credentials, registry
from providers.credentials import Secret
from providers.defaults import (
    DEFAULT_BASE_DELAY_MS,
    DEFAULT_CONCURRENCY,
    DEFAULT_CONNECT_TIMEOUT_MS,
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_MAX_DELAY_MS,
    DEFAULT_TIMEOUT_MS,
)
from providers.transports import Transport
from providers.webhook_tokens import webhook_token

SLOTS_PER_CONNECTION = 4
"""Released and unrecorded dispatches per connection: three cost 10 % of the rate, two a quarter."""
FULL_REQUESTS = 4
"""A vendor that takes many messages in a request has room for so many full ones at least."""


class ProviderSettings(msgspec.Struct, frozen=True):
    """`credentials` maps the dotted path of the reference, without its suffix, to the value: "authentication.token"."""

    provider_id: str
    tenant_id: int
    provider_type: str
    vendor: str
    configuration: dict[str, Any]
    credentials: dict[str, str]
    concurrency: int = DEFAULT_CONCURRENCY
    slots: int = DEFAULT_CONCURRENCY * SLOTS_PER_CONNECTION
    batch_size: int = 1
    """The most messages that one request may carry."""
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    base_delay_s: float = DEFAULT_BASE_DELAY_MS / 1000
    max_delay_s: float = DEFAULT_MAX_DELAY_MS / 1000
    idempotent: bool = False
    """The vendor takes a repeated idempotency key for the same message: an unanswered send may be tried again."""
    per_minute: int | None = None
    spacing_s: float = 0.0
    """At least so long between two messages to one address; 0: no matter."""
    overdue_after_s: float | None = None
    """A message that its vendor took and did not report on for so long is overdue; None: no report is awaited."""
    webhook_url: str = ""
    """Where the vendor reports to, as `webhook_url_of` says; below ours the vendor may add to the path."""
    webhook_token: str = ""
    """The secret to give to a vendor that lets us choose one for its calls; never shown."""
    address_attribute: str = ""
    """The contact attribute that holds the destination."""
    fingerprint: str = ""
    """Of configuration and credentials: what was learnt from the vendor with others is not used with these."""
    problem: str | None = None
    """Why this provider cannot be used now, for a person; None where it can."""

    def __repr__(self) -> str:
        """Names of credentials only."""
        return (
            f"ProviderSettings({self.provider_id!r}, {self.provider_type!r}, vendor={self.vendor!r},"
            f" credentials={sorted(self.credentials)}, problem={self.problem!r})"
        )


def resolve(
    *,
    provider_id: str,
    tenant_id: int,
    provider_type: str,
    configuration: dict[str, Any],
    secrets: Mapping[str, Secret],
    allow_list: Sequence[str],
    max_messages_per_minute: int | None = None,
    public_url: str = "",
    webhook_key: str = "",
    environment: Mapping[str, str] = os.environ,
) -> ProviderSettings:
    """The row's fields and its secrets (by name) as settings. Never raises: what is wrong is told in `problem`.

    `webhook_key`: what the tokens of webhooks are made with (SECRET_KEY).
    """
    transport: Transport | None = None
    problem = None
    try:
        transport = registry.transport_for(provider_type, configuration)
    except registry.UnknownVendor as unknown:
        problem = str(unknown)
    values, missing = credentials.read(configuration, secrets=secrets, allow_list=allow_list, environment=environment)
    knob = _Knobs(configuration)
    retry = _Knobs(configuration.get("retry"))
    concurrency = knob.integer("concurrency", transport.concurrency if transport else DEFAULT_CONCURRENCY)
    resolved = ProviderSettings(
        provider_id=provider_id,
        tenant_id=tenant_id,
        provider_type=provider_type,
        vendor=transport.vendor if transport else "",
        configuration=configuration,
        credentials=values,
        concurrency=concurrency,
        timeout_ms=knob.integer("timeout_ms", DEFAULT_TIMEOUT_MS),
        connect_timeout_ms=knob.integer("connect_timeout_ms", DEFAULT_CONNECT_TIMEOUT_MS),
        max_attempts=retry.integer("max_attempts", DEFAULT_MAX_ATTEMPTS),
        base_delay_s=retry.integer("base_delay_ms", DEFAULT_BASE_DELAY_MS) / 1000,
        max_delay_s=retry.integer("max_delay_ms", DEFAULT_MAX_DELAY_MS) / 1000,
        idempotent=configuration.get("idempotent") is True,
        per_minute=max_messages_per_minute or (transport.per_minute if transport else None),
        spacing_s=knob.integer("contact_spacing_ms", round(transport.spacing_s * 1000) if transport else 0) / 1000,
        overdue_after_s=_overdue_after_s(knob, transport),
        webhook_url=webhook_url_of(provider_id, configuration, public_url),
        webhook_token=webhook_token(provider_id, webhook_key),
        address_attribute=_attribute(transport, provider_type, configuration) if transport else "",
        fingerprint=_fingerprint(configuration, values),
        problem=problem or missing,
    )
    size = _batch_size(transport, resolved) if transport else 1
    slots = max(concurrency * SLOTS_PER_CONNECTION, FULL_REQUESTS * size)
    return msgspec.structs.replace(resolved, batch_size=size, slots=slots)


def _batch_size(transport: Transport, settings: ProviderSettings) -> int:
    """1 where the row was written around the form and says nothing that is a number."""
    try:
        return max(1, transport.batch_size_of(settings))
    except (AttributeError, KeyError, TypeError, ValueError):
        return 1


def webhook_url_of(provider_id: str, configuration: Mapping[str, Any], public_url: str) -> str:
    """The configuration's own `webhook_url`, else the provider's below PUBLIC_URL; "" where nobody knows one."""
    own = configuration.get("webhook_url")
    if isinstance(own, str) and own:
        return own
    return f"{public_url}/webhooks/{provider_id}" if public_url else ""


def _overdue_after_s(knob: _Knobs, transport: Transport | None) -> float | None:
    minutes = knob.integer("overdue_after_minutes", 0)
    return minutes * 60.0 if minutes else transport.overdue_after_s if transport else None


def _attribute(transport: Transport, provider_type: str, configuration: Mapping[str, Any]) -> str:
    """The row's own where its vendor lets it choose one, else the vendor's."""
    own = configuration.get("address_attribute") if "address_attribute" in transport.schema["properties"] else None
    return own if isinstance(own, str) and own else transport.address_attribute(provider_type)


def _fingerprint(configuration: dict[str, Any], values: Mapping[str, str]) -> str:
    text = json.dumps([configuration, sorted(values.items())], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class _Knobs:
    """Numbers of a row that may have been written around the form: what is no positive number is the default."""

    def __init__(self, source: Any) -> None:
        self._source = source if isinstance(source, dict) else {}

    def integer(self, name: str, default: int) -> int:
        value = self._source.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
