"""Where a provider's vendor is to report to, as its page shows it: addresses, what to enter, who tells the vendor."""

from __future__ import annotations

import msgspec
from django.utils.translation import gettext

from providers import checking, registry
from providers.models import Provider
from providers.transports import Hearing, Registering


class WebhookPanel(msgspec.Struct, frozen=True):
    """`addresses` is empty where nobody knows one; `registers`: a worker can tell the vendor by itself."""

    addresses: tuple[str, ...]
    hint: str
    registers: bool


def webhook_panel(provider: Provider) -> WebhookPanel | None:
    """None where the vendor does not report by calls."""
    try:
        transport: object = registry.transport_for(provider.provider_type, provider.configuration)
    except registry.UnknownVendor:
        return None
    if not isinstance(transport, Hearing):
        return None
    base = checking.webhook_url(provider)
    addresses = tuple(f"{base}/{path}".rstrip("/") for path in transport.webhook_paths) if base else ()
    hint = gettext(transport.webhook_hint) if transport.webhook_hint else ""
    return WebhookPanel(addresses, hint, isinstance(transport, Registering))
