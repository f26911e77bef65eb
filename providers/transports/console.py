"""Console: prints each message as one JSON line to standard output. To try campaigns without any vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome
from providers.transports import addresses

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Console:
    vendor = "console"
    provider_types: frozenset[str] | None = None
    batch_size = 1
    example: dict[str, Any] = {"provider_vendor": "console"}
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "title": _("Console"),
        "x-icon": "terminal",
        "description": _("Prints every message to the worker's standard output and sends nothing."),
        "additionalProperties": False,
        "required": ["provider_vendor"],
        "properties": {"provider_vendor": {"const": "console", "title": _("Vendor")}},
    }

    def batch_size_of(self, settings: ProviderSettings) -> int:  # noqa: ARG002 - the protocol's signature
        return self.batch_size

    def address_attribute(self, provider_type: str) -> str:
        return addresses.address_attribute(provider_type)

    def check(self, provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:  # noqa: ARG002 - the same
        return []

    def build(self, settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
        (message,) = messages
        fields = {
            "dispatch_id": message.dispatch_id,
            "channel": message.channel,
            "to": message.to,
            "subject": message.subject,
            "body": message.body,
            "template": message.template_code,
            "variables": message.variables,
            "media_url": message.media_url,
        }
        body = msgspec.json.encode({name: value for name, value in fields.items() if value})
        return WireRequest("POST", "console:", (), body, settings.timeout_ms, settings.connect_timeout_ms)

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:  # noqa: ARG002 - the same
        return [Outcome(Kind.ACCEPTED, message_id=f"console-{message.dispatch_id}") for message in messages]


transport = Console()
