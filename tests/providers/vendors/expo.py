"""What the conformance kit needs to know of Expo."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind

PROVIDER_TYPE = "PUSH"
ADDRESS = "ExponentPushToken[xyz123]"
RECIPIENT = "ExponentPushToken[sandbox-{}]"
EXPECTED = {
    "opted-out": (Kind.RECIPIENT_INVALID, "UNREGISTERED_TOKEN"),  # a device that is gone: Expo knows no other way
    "failed-in-200": (Kind.CONFIGURATION, "INVALID_CREDENTIALS"),
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}


def simulated(url: str) -> dict[str, Any]:
    return {"provider_vendor": "expo", "access_token_env_var": "PRISM_EXPO", "api_url": url}
