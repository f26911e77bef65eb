"""What the conformance kit needs to know of the gateway."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import gateway as callbacks
from providers.settings import ProviderSettings

EXPECTED = {
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}
KNOWS_TIME = True
BATCH = {"batch": {"max_messages": 100}}


def simulated(url: str) -> dict[str, Any]:
    return {
        "provider_vendor": "gateway",
        "api_url": url,
        "authentication": {"type": "bearer_token", "token_env_var": "PRISM_GATEWAY"},
        "webhook": {"signing_key_env_var": "PRISM_GATEWAY_SIGNING"},
    }


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    key = settings.credentials["webhook.signing_key"]
    return callbacks.make([report], secret=key, url=settings.webhook_url, now=now)
