"""Evolution API: a WhatsApp session (or a number on Meta's API) behind a server of one's own.

    POST {api_url}/message/sendText/{instance}        also sendMedia, and sendTemplate on Meta's API
    answer                                            201 {key: {id}, status: "PENDING"}: handed to the session
    GET  {api_url}/instance/connectionState/{instance}
    POST {api_url}/webhook/set/{instance}

provider-contracts §3, seed 003. `answers.py` begins with the table of what each answer means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import health
from providers.transports.evolution import answers, configuring, reports, requests
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Evolution(Vendor):
    vendor = "evolution"
    provider_types: frozenset[str] | None = frozenset({"WHATSAPP"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 10
    overdue_after_s: float | None = 600.0
    webhook_hint = _("Prism tells the instance by itself; nothing is to be entered at Evolution.")

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the protocol's signature
        return configuring.check(configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages[0])

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:  # noqa: ARG002 - the same
        return [answers.parse(settings, answer)]

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return health.get(settings, requests.state_url(settings.configuration), requests.headers_of(settings))

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_health(settings, answer)

    def register_request(self, settings: ProviderSettings) -> WireRequest | None:
        return requests.register(settings)

    def read_registration(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_registration(settings, answer)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - the same
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return reports.redact(settings, body)

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:
        return reports.read_reports(settings, call)

    def hints(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.hints(settings, call)


transport = Evolution()
