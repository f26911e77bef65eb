"""What a vendor is: pure functions from messages to one wire request, and from its answer to typed outcomes.

A new vendor is one file or folder here, one line in `providers/registry.py`, and passes tests/providers/conformance.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Transport(Protocol):
    """Implemented by one module-level object per vendor."""

    vendor: str
    provider_types: frozenset[str] | None
    """The provider types it serves; None: any."""
    schema: dict[str, Any]
    """JSON Schema (2020-12) of `configuration`, titles in English marked for translation."""
    example: dict[str, Any]
    batch_size: int
    """The most messages that one request can carry for any provider; 1: no batches."""

    def batch_size_of(self, settings: ProviderSettings) -> int:
        """The most messages that one request may carry for this provider."""

    def address_attribute(self, provider_type: str) -> str:
        """The contact attribute that holds the destination."""

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        """(path, message) of what the schema cannot say. Called only where the schema holds."""

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        """One request for one message, or for up to `batch_size_of(settings)` of them."""

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        """One outcome per message, in order. Only complete answers come here."""


@runtime_checkable
class Checkable(Protocol):
    """Optional beside Transport: how to ask a vendor whether it would take a message, without sending one."""

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        """A request that reaches nobody; None where there is nothing to ask."""

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        """What the answer means. Only complete answers come here."""
