"""What the conformance kit needs to know of the gateway."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind

EXPECTED = {
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}
BATCH = {"batch": {"max_messages": 100}}


def simulated(url: str) -> dict[str, Any]:
    return {
        "provider_vendor": "gateway",
        "api_url": url,
        "authentication": {"type": "bearer_token", "token_env_var": "PRISM_GATEWAY"},
    }
