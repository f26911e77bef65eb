"""What the conformance kit needs to know of Meta."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import meta as callbacks
from providers.settings import ProviderSettings
from providers.transports import meta

EXPECTED = {
    "invalid": (Kind.REJECTED, "UNDELIVERABLE"),  # has many causes: no sign that the number is dead
    "429-bare": (Kind.DEFERRED, "PAIR_RATE_LIMITED"),
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}


def simulated(url: str) -> dict[str, Any]:
    authentication = {**meta.transport.example["authentication"], "token_env_var": "PRISM_META"}
    return {**meta.transport.example, "api_url": f"{url}/meta", "authentication": authentication}


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    ours = report._replace(account=settings.configuration["phone_number_id"])
    secret = settings.credentials["webhook.app_secret"]
    return callbacks.make([ours], secret=secret, url=settings.webhook_url, now=now)
