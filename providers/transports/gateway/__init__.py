"""Gateway: the plain HTTP contract that any company can put before its own sender; no code for a new vendor.

    POST {api_url}/mcp/{type}/send   {to, message, templateId?, variables?, mediaUrl?}
                                     EMAIL: {to, subject, body, html?, templateId?, variables?}
    answer                           {messageId, status, error}
    POST …/send-batch                {messages: [… each with its idempotencyKey]}, answered by an array in order
    its calls to us                  {messageId, status, timestamp, error}, signed (signing.py)

From seed 002 §5 and provider-contracts §11. `answers.py` begins with the table of what each answer means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import health
from providers.transports.gateway import answers, configuring, reports, requests
from providers.transports.redaction import redacted
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Gateway(Vendor):
    vendor = "gateway"
    batch_size = configuring.LARGEST_BATCH
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE

    def batch_size_of(self, settings: ProviderSettings) -> int:
        batch = settings.configuration.get("batch")
        return min(int(batch["max_messages"]), self.batch_size) if batch else 1

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        return configuring.check(provider_type, configuration)

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return "webhook" in configuration

    webhook_paths = ("status",)
    webhook_hint = _(
        "Have the gateway post its reports to this address, signed with the key of “Reports”"
        " (X-Prism-Signature: t=…,v1=…)."
    )

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return answers.parse(settings, messages, answer)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - gateways ask nothing first
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        return reports.read(settings, call)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        address = settings.configuration.get("health_url")
        headers = requests.headers_of(settings)
        if address:
            return health.get(settings, address, headers)
        return health.knock(settings, settings.configuration["api_url"], headers)

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return health.read(settings, answer, knocked="health_url" not in settings.configuration)


transport = Gateway()
