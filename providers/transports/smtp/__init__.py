"""SMTP: e-mail through any mail server; SendGrid's relay also tracks and reports (provider-contracts §9b, §10).

    EHLO, STARTTLS, AUTH          once per connection, which carries up to a hundred messages
    MAIL FROM, RCPT TO, DATA      one recipient; the message has HTML and text, our Message-ID, List-Unsubscribe
    answer                        the server's last reply; what each means stands on top of `answers.py`
    reports                       SendGrid's event webhook only (the relay passes our X-SMTPAPI unique_args on)

A taken message has reached the relay, not the mailbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports.redaction import redacted
from providers.transports.sendgrid import events
from providers.transports.smtp import answers, configuring, requests
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Smtp(Vendor):
    vendor = "smtp"
    provider_types: frozenset[str] | None = frozenset({"EMAIL"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 3000
    overdue_after_s: float | None = 72 * 3600.0

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return configuring.is_sendgrid(configuration) and "event_webhook" in configuration

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        """From SendGrid, where its key is known; other servers send none."""
        return super().awaits_reports(settings) and self._hears(settings)

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the protocol's signature
        return configuring.check(configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages[0])

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return [answers.parse(settings, message, answer) for message in messages]

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return requests.health_request(settings)

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_health(settings, answer)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return self._hears(settings) and events.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - the protocol's signature
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:  # noqa: ARG002 - the same
        return events.read_reports(call)

    def _hears(self, settings: ProviderSettings) -> bool:
        return configuring.is_sendgrid(settings.configuration) and events.key_of(settings) is not None


transport = Smtp()
