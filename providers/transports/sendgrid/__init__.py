"""SendGrid: e-mail by the v3 API, one request for many people who get the same, and its event webhook.

    POST {api_url}/v3/mail/send     {personalizations: [{to, custom_args, …} …], from, subject, content, …}
    answer                          202 without a body; X-Message-Id names the request, not the message
    webhook                         [{event, sg_event_id, sg_message_id, dispatch, …} …], signed (ECDSA P-256)

From twilio/sendgrid-oai and docs.sendgrid.com (provider-contracts §9a). `answers.py` and `events.py` begin with the
tables of what errors and events mean.

The id of a message that went out alone is the X-Message-Id; of one among several it is that id, "+" and the dispatch's
own. Events are found by the custom argument `dispatch`, which each message carries.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import health
from providers.transports.redaction import redacted
from providers.transports.sendgrid import answers, configuring, events, requests
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class SendGrid(Vendor):
    vendor = "sendgrid"
    provider_types: frozenset[str] | None = frozenset({"EMAIL"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    batch_size = configuring.LARGEST_BATCH
    per_minute: int | None = 3000
    overdue_after_s: float | None = 72 * 3600.0

    def batch_size_of(self, settings: ProviderSettings) -> int:
        batch = settings.configuration.get("batch", {})
        return min(int(batch.get("max_messages", configuring.DEFAULT_BATCH)), self.batch_size)

    def group_key(self, settings: ProviderSettings, message: Message) -> Hashable:
        return requests.group_key(settings, message)

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return "event_webhook" in configuration

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        """Without the key every call is refused, and none is awaited."""
        return super().awaits_reports(settings) and events.key_of(settings) is not None

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        return [*configuring.check(configuration), *super().check(provider_type, configuration)]

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return answers.parse(settings, messages, answer)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return health.get(settings, requests.address_of(settings) + "/v3/scopes", requests.headers_of(settings))

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_scopes(settings, answer)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return events.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - the protocol's signature
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:  # noqa: ARG002 - the same
        return events.read_reports(call)


transport = SendGrid()
