"""Blip: a WhatsApp bot, or an AI agent, spoken to in LIME over HTTP.

    POST {api_url}                         {id, from, to, type, content, metadata}      202, empty: the id is ours
    POST {api_url, /commands in the end}   get lime://wa.gw.msging.net/accounts/+55…    who that is on WhatsApp

provider-contracts §1. `answers.py` begins with the table of what each reason code means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports import Known, Question, health
from providers.transports.blip import answers, configuring, reports, requests
from providers.transports.redaction import redacted
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Blip(Vendor):
    vendor = "blip"
    provider_types: frozenset[str] | None = frozenset({configuring.WHATSAPP, configuring.AI_AGENT})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 180
    overdue_after_s: float | None = 900.0
    webhook_hint = _("In Blip's portal, as the bot's notification address (HTTP), with the secret header.")

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
        return configuring.check(provider_type, configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages[0], {})

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return [answers.parse(settings, messages[0], answer)]

    def questions(self, settings: ProviderSettings, messages: Sequence[Message]) -> Sequence[Question]:
        question = requests.identity_question(settings, messages[0])
        return () if question is None else (question,)

    def read_answer(self, settings: ProviderSettings, question: Question, answer: WireAnswer) -> Known | Outcome:  # noqa: ARG002 - the protocol's signature
        return answers.read_identity(settings, answer)

    def build_knowing(
        self, settings: ProviderSettings, messages: Sequence[Message], known: Mapping[str, str]
    ) -> WireRequest:
        return requests.build(settings, messages[0], known)

    def disproves(self, settings: ProviderSettings, answer: WireAnswer) -> bool:  # noqa: ARG002 - the same
        """A wrong identity shows in a notification, never in the answer."""
        return False

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return requests.ping(settings, timeout_ms=health.LONGEST_WAIT_MS)

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return answers.read_ping(settings, answer)

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return "webhook" in configuration

    def awaits_reports(self, settings: ProviderSettings) -> bool:
        return super().awaits_reports(settings) and reports.TOKEN in settings.credentials

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - the same
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, settings.credentials.values())

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:  # noqa: ARG002 - the same
        return reports.read_reports(call)


transport = Blip()
