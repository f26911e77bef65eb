"""Expo push: one service in front of Apple's and Google's, for apps made with Expo.

    POST {api_url}/--/api/v2/push/send          [{to, title, body, data, …} …], up to 100
    answer                                      {"data": [{status, id} | {status, message, details} …]} in order
    POST {api_url}/--/api/v2/push/getReceipts   {"ids": […]}, from a quarter of an hour later, for a day

From docs.expo.dev, "Send notifications with the Expo Push Service" (provider-contracts §6). Expo calls nobody: receipts
are asked for. `answers.py` begins with the table of what each error means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import VendorReport
from providers.transports import health
from providers.transports.expo import answers, configuring, requests
from providers.transports.sources import check_source
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Expo(Vendor):
    vendor = "expo"
    provider_types: frozenset[str] | None = frozenset({"PUSH"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    batch_size = 100
    per_minute: int | None = 30_000
    concurrency = configuring.CONNECTIONS
    overdue_after_s: float | None = 7200.0
    poll_after_s: tuple[float, ...] = (900.0, 3600.0, 6 * 3600.0, 12 * 3600.0)
    """The last is 20 hours after the send: Expo forgets a receipt after a day."""
    poll_size = 300

    def awaits_reports(self, settings: ProviderSettings) -> bool:  # noqa: ARG002 - the protocol's signature
        """They are asked for: no address of ours has to be known."""
        return True

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        found = check_source(configuration, "access_token", required=False)
        return [*found, *super().check(provider_type, configuration)]

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return answers.parse(settings, messages, answer)

    def poll_request(self, settings: ProviderSettings, message_ids: Sequence[str]) -> WireRequest:
        return requests.ask_receipts(settings, message_ids)

    def read_poll(
        self, settings: ProviderSettings, message_ids: Sequence[str], answer: WireAnswer
    ) -> list[VendorReport] | None:
        return answers.read_receipts(settings, message_ids, answer)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        """Expo has nothing to ask that reaches nobody: whether its server answers is all that can be told."""
        return health.knock(settings, requests.address_of(settings), requests.headers_of(settings))

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return health.read(settings, answer, knocked=True)


transport = Expo()
