"""Declarative HTTP: a vendor that nobody wrote code for, told by its configuration alone (docs/adding-a-provider.md).

The configuration says what one message's request looks like, where the answer holds id and error, what codes mean,
and how the vendor's own calls are proven and read. Placeholders such as {{to}} are filled by place: into JSON as
values, into forms and addresses encoded, so that no message can change the shape of a request. Credentials are never
placeholders and never part of an address: they go into a header, or into a field of the body where the vendor knows no
other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import health
from providers.transports.http import answers, checking, configuring, reports, requests
from providers.transports.redaction import redacted
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Http(Vendor):
    vendor = "http"
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    webhook_paths = ("reports",)

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the protocol's signature
        return checking.check(configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return answers.parse(settings, messages, answer)

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return "reports" in configuration

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        return bool(settings.webhook_url) and self.may_report(settings.configuration)

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        address = settings.configuration.get("health_url")
        headers = requests.sign_in_headers(settings)
        if address:
            return health.get(settings, address, headers)
        return health.knock(settings, settings.configuration["url"], headers)

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        knocked = "health_url" not in settings.configuration
        return health.read(settings, answer, knocked=knocked)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - no such vendor is known
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        return reports.read(settings, call)


transport = Http()
