"""Messages, settings and answers for tests of transports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from providers.credentials import ENV_VAR, references
from providers.messages import NO_HEADERS, Message, WireAnswer
from providers.settings import ProviderSettings, resolve

CANARY = "canary-0f3a9c/77+d1"
VARIABLE = "PRISM_PROVIDER_GATEWAY_TOKEN"
# The second row: as the seed's own examples name them.
ALLOW_LIST = (
    "PRISM_PROVIDER_*",
    *("AWS_*", "BLIP_*", "SENDGRID_*", "TELEGRAM_*", "TWILIO_*"),
)
GATEWAY: dict[str, Any] = {
    "provider_vendor": "gateway",
    "api_url": "https://gateway.example.com",
    "authentication": {"type": "bearer_token", "token_env_var": VARIABLE},
}
PLAIN = Message(
    dispatch_id="0198f3a0-0000-7000-8000-000000000001",
    to="+5511988887777",
    body="Olá Ana",
    subject=None,
    template_code=None,
    variables={},
    media_url=None,
    channel="WHATSAPP",
    correlation_id="corr-1",
    trace_id=None,
)


def message(**changes: Any) -> Message:
    return msgspec.structs.replace(PLAIN, **changes)


def settings(configuration: dict[str, Any] | None = None, provider_type: str = "WHATSAPP") -> ProviderSettings:
    """Resolved, with the canary in every variable that it names."""
    configuration = GATEWAY if configuration is None else configuration
    named = [reference.name for reference in references(configuration) if reference.kind == ENV_VAR]
    return resolve(
        provider_id="0198f3a0-0000-7000-8000-00000000000a",
        tenant_id=1,
        provider_type=provider_type,
        configuration=configuration,
        secrets={},
        allow_list=ALLOW_LIST,
        environment={VARIABLE: CANARY, **dict.fromkeys(named, CANARY)},
    )


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS) -> WireAnswer:
    return WireAnswer(status, headers, body, left=True, complete=True, error=None, detail="", elapsed_ms=1.0)
