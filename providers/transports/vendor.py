"""What most vendors share, so that a vendor's own file says only what is its own (docs/adding-a-provider.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from providers.defaults import DEFAULT_CONCURRENCY
from providers.transports import Hearing, Polled, addresses
from providers.transports.knobs import check_knobs

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Vendor:
    """Base of transports. A subclass names `vendor`, `schema`, `example`, and writes `build` and `parse`."""

    provider_types: frozenset[str] | None = None
    batch_size = 1
    per_minute: int | None = None
    """Pace of a provider whose row names none (provider-contracts §12); None: no limit."""
    concurrency = DEFAULT_CONCURRENCY
    """Requests under way at once, in a worker process and class of traffic, of a provider whose row says nothing."""
    spacing_s = 0.0
    """Least time between two messages to one address, where the vendor demands it."""
    overdue_after_s: float | None = None
    """How long a report of a taken message may be out before a person should look; None: the vendor sends none."""

    webhook_paths: tuple[str, ...] = ("",)
    """Where its calls arrive, below the provider's webhook address; shown on the provider's page (Hearing only)."""
    webhook_hint = ""
    """What to enter at the vendor, beside the address (gettext_noop)."""
    heard_status = 200
    """How it wants to hear that its call was taken."""

    def batch_size_of(self, settings: ProviderSettings) -> int:  # noqa: ARG002 - the protocol's signature
        return self.batch_size

    def address_attribute(self, provider_type: str) -> str:
        return addresses.address_attribute(provider_type)

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the same
        return check_knobs(configuration)

    def may_report(self, configuration: dict[str, Any]) -> bool:  # noqa: ARG002 - the same
        """Whether a provider that is configured so can ever tell what became of its messages."""
        return isinstance(self, Hearing | Polled)

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        """Whether this provider, as it is set up, will tell what became of its messages."""
        is_awaited = settings.overdue_after_s is not None and bool(settings.webhook_url)
        return is_awaited and self.may_report(settings.configuration)
