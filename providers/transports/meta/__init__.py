"""Meta: WhatsApp's own Cloud API.

    POST {api_url}/{api_version}/{phone_number_id}/messages    template, media or text
    answer    {contacts: [{wa_id}], messages: [{id}]}, or {error: {code}}

provider-contracts §2. `codes.py` has the table of what each error code means, for answers and reports alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import health
from providers.transports.meta import answers, configuring, reports, requests
from providers.transports.redaction import redacted
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Meta(Vendor):
    vendor = "meta"
    provider_types: frozenset[str] | None = frozenset({"WHATSAPP"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 3600
    spacing_s = 6.0
    overdue_after_s: float | None = 900.0
    webhook_hint = _("In the app's WhatsApp configuration: this address, the verify token, and the field “messages”.")

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the protocol's signature
        return configuring.check(configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages[0])

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:  # noqa: ARG002 - the same
        return [answers.parse(settings, answer)]

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return health.get(settings, requests.number_url(settings.configuration), requests.headers_of(settings))

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_health(settings, answer)

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return "webhook" in configuration

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        return super().awaits_reports(settings) and reports.APP_SECRET in settings.credentials

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:
        return reports.greet(settings, call)

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        return reports.read_reports(settings, call)


transport = Meta()
