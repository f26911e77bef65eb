"""Twilio Programmable Messaging: SMS and MMS, and WhatsApp by `whatsapp:` addresses (provider-contracts §4).

    POST {api_url}/Accounts/{account_sid}/Messages.json   form: To, From and/or MessagingServiceSid, Body | MediaUrl |
                                                          ContentSid + ContentVariables, StatusCallback
    answer 201                                            {sid, status, error_code}; else {code, message, status}
    its reports                                           form to StatusCallback, signed over URL and fields

From and MessagingServiceSid may both be given: the service's rules hold then, and From picks the sender out of the
service's pool (the field's description in Twilio's published API specification). There is no idempotency key: what
got no clear answer is unknown. `answers.py` begins with the table of Twilio's error codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import health
from providers.transports.redaction import redacted
from providers.transports.twilio import answers, configuring, reports, requests
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Twilio(Vendor):
    vendor = "twilio"
    provider_types: frozenset[str] | None = frozenset({configuring.SMS, configuring.WHATSAPP})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 60
    overdue_after_s: float | None = 4 * 3600.0
    heard_status = 204
    """A body would be taken for TwiML; none needs a type."""
    webhook_paths = ("incoming",)
    webhook_hint = _(
        "Every message names the address of its own reports. To hear of people who answer STOP, enter this address for"
        " incoming messages at the number or the messaging service."
    )

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        return configuring.check(provider_type, configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return answers.parse(settings, messages, answer)

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return requests.wants_receipts(configuration)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        """The account's own resource: reaches nobody, and says whether it may send."""
        return health.get(settings, f"{requests.account_url(settings)}.json", requests.headers_of(settings))

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_health(settings, answer)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - Twilio asks nothing first
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        return reports.read(settings, call)


transport = Twilio()
