"""A provider as workers use it: its configuration, its credentials read, its knobs with their defaults. Pure."""

from __future__ import annotations

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

SLOTS_PER_CONNECTION = 4
"""Released and unrecorded dispatches per connection: three cost 10 % of the rate, two a quarter."""


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
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    base_delay_s: float = DEFAULT_BASE_DELAY_MS / 1000
    max_delay_s: float = DEFAULT_MAX_DELAY_MS / 1000
    idempotent: bool = False
    """The vendor takes a repeated idempotency key for the same message: an unanswered send may be tried again."""
    per_minute: int | None = None
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
    environment: Mapping[str, str] = os.environ,
) -> ProviderSettings:
    """The row's fields and its secrets (by name) as settings. Never raises: what is wrong is told in `problem`."""
    try:
        vendor, problem = registry.transport_for(provider_type, configuration).vendor, None
    except registry.UnknownVendor as unknown:
        vendor, problem = "", str(unknown)
    values, missing = credentials.read(configuration, secrets=secrets, allow_list=allow_list, environment=environment)
    knob = _Knobs(configuration)
    retry = _Knobs(configuration.get("retry"))
    concurrency = knob.integer("concurrency", DEFAULT_CONCURRENCY)
    return ProviderSettings(
        provider_id=provider_id,
        tenant_id=tenant_id,
        provider_type=provider_type,
        vendor=vendor,
        configuration=configuration,
        credentials=values,
        concurrency=concurrency,
        slots=concurrency * SLOTS_PER_CONNECTION,
        timeout_ms=knob.integer("timeout_ms", DEFAULT_TIMEOUT_MS),
        connect_timeout_ms=knob.integer("connect_timeout_ms", DEFAULT_CONNECT_TIMEOUT_MS),
        max_attempts=retry.integer("max_attempts", DEFAULT_MAX_ATTEMPTS),
        base_delay_s=retry.integer("base_delay_ms", DEFAULT_BASE_DELAY_MS) / 1000,
        max_delay_s=retry.integer("max_delay_ms", DEFAULT_MAX_DELAY_MS) / 1000,
        idempotent=configuration.get("idempotent") is True,
        per_minute=max_messages_per_minute,
        problem=problem or missing,
    )


class _Knobs:
    """Numbers of a row that may have been written around the form: what is no positive number is the default."""

    def __init__(self, source: Any) -> None:
        self._source = source if isinstance(source, dict) else {}

    def integer(self, name: str, default: int) -> int:
        value = self._source.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
