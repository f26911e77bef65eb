"""Telegram Bot API (provider-contracts §8): messages of a bot to people who pressed Start.

    POST {api_url}/bot{token}/sendMessage | sendPhoto | sendVideo | sendAudio | sendDocument
    answer 200                            {ok: true, result: {message_id, chat: {id}}}
    else                                  {ok: false, error_code, description, parameters: {retry_after}}

The token stands in the address, which is therefore never shown. A message's id is unique per chat only: ours is
"<chat id>:<message id>". There are no receipts; that somebody blocked the bot is told over the webhook.
`answers.py` begins with the table of Telegram's descriptions, `markup.py` says how formatting is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Outcome
from providers.reporting import Call, VendorReport
from providers.transports.redaction import redacted
from providers.transports.telegram import answers, configuring, registering, reports, requests
from providers.transports.vendor import Vendor
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Telegram(Vendor):
    vendor = "telegram"
    provider_types: frozenset[str] | None = frozenset({"TELEGRAM"})
    schema = configuring.SCHEMA
    example = configuring.EXAMPLE
    per_minute: int | None = 1500
    spacing_s = 1.0

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the protocol's signature
        return configuring.check(configuration)

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        return requests.build(settings, messages)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        return answers.parse(settings, messages, answer)

    def may_report(self, configuration: dict[str, Any]) -> bool:  # noqa: ARG002 - the same
        """It tells who blocked the bot, and of no message."""
        return False

    def health_request(self, settings: ProviderSettings) -> WireRequest | None:
        return registering.ask_who(settings)

    def read_health(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return registering.read_who(settings, answer)

    def register_request(self, settings: ProviderSettings) -> WireRequest | None:
        return registering.ask_to_report(settings)

    def read_registration(self, settings: ProviderSettings, answer: WireAnswer) -> Verdict:
        return registering.read_registration(settings, answer)

    def verify(self, settings: ProviderSettings, call: Call) -> bool:
        return reports.verify(settings, call)

    def greet(self, settings: ProviderSettings, call: Call) -> str | None:  # noqa: ARG002 - Telegram asks nothing first
        return None

    def redact(self, settings: ProviderSettings, body: bytes) -> bytes:
        return redacted(body, (*settings.credentials.values(), settings.webhook_token))

    def read_reports(self, settings: ProviderSettings, call: Call) -> list[VendorReport]:  # noqa: ARG002 - the protocol's signature
        return reports.read(call)


transport = Telegram()
