"""Messages, settings and answers for tests of transports."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import msgspec

from providers.credentials import ENV_VAR, references
from providers.messages import NO_HEADERS, Message, WireAnswer
from providers.settings import ProviderSettings, resolve
from providers.transports import Transport

CANARY = "canary-0f3a9c/77+d1"
VARIABLE = "PRISM_PROVIDER_GATEWAY_TOKEN"
# The second row: as the seed's own examples name them.
ALLOW_LIST = (
    "PRISM_PROVIDER_*",
    *("AWS_*", "BLIP_*", "FCM_*", "SENDGRID_*", "TELEGRAM_*", "TWILIO_*"),
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


def of_vendor(vendor: str) -> ModuleType | None:
    """What tests need to know of a vendor that is not as the gateway is: tests/providers/vendors/<vendor>.py, with any
    of PROVIDER_TYPE, ADDRESS (one that it takes), CREDENTIALS (values by path, where the canary will not do),
    HEALTH_POSTS (its health is asked for by a POST that reaches nobody), HEALTH_IN_BODY (a 2xx is judged by its body),
    ECHOES (False: the request does not carry our
    dispatch's id)."""
    name = f"tests.providers.vendors.{vendor}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def type_of(vendor: str) -> str:
    return str(getattr(of_vendor(vendor), "PROVIDER_TYPE", "WHATSAPP"))


def variables_of(configuration: dict[str, Any]) -> dict[str, str]:
    """The environment variables that a configuration names, by the path of their credential."""
    named = (reference for reference in references(configuration) if reference.kind == ENV_VAR)
    return {reference.path: str(reference.name) for reference in named}


def example_settings(transport: Transport, provider_type: str | None = None) -> ProviderSettings:
    """A vendor's example, resolved, with the canary as every credential."""
    own = getattr(of_vendor(transport.vendor), "CREDENTIALS", {})
    variables = variables_of(transport.example)
    return resolve(
        provider_id="0198f3a0-0000-7000-8000-00000000000a",
        tenant_id=1,
        provider_type=provider_type or type_of(transport.vendor),
        configuration=transport.example,
        secrets={},
        allow_list=tuple(variables.values()),
        environment={name: own.get(path, CANARY) for path, name in variables.items()},
    )


def settings(configuration: dict[str, Any] | None = None, provider_type: str = "WHATSAPP") -> ProviderSettings:
    """Resolved, with the canary in every variable that it names."""
    configuration = GATEWAY if configuration is None else configuration
    named = variables_of(configuration).values()
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
