"""Console: prints each message as one JSON line to standard output. To try campaigns without any vendor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext_noop as _

from providers.messages import Message, WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome
from providers.transports.vendor import Vendor

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Console(Vendor):
    vendor = "console"
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

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:  # noqa: ARG002 - the protocol's signature
        return [Outcome(Kind.ACCEPTED, message_id=f"console-{message.dispatch_id}") for message in messages]


transport = Console()
