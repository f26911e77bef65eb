"""What the conformance kit needs to know of SendGrid."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import sendgrid as callbacks
from providers.sandbox.callbacks.call import DELIVERED, FAILED, OPTED_OUT
from providers.settings import ProviderSettings

PROVIDER_TYPE = "EMAIL"
ADDRESS = "ana@example.com"
RECIPIENT = "ana+sandbox-{}@example.com"
EXPECTED = {
    "opted-out": Kind.ACCEPTED,  # its events say so later
    "failed-in-200": Kind.ACCEPTED,
    "429-bare": (Kind.DEFERRED, "RATE_LIMITED"),
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}
TELLS = (DELIVERED, FAILED, OPTED_OUT)
KNOWS_TIME = True
SIGNS_WITH_OURS = False
"""Its key pair is SendGrid's own; we know the public half."""
SEVERAL = ("accept", "accept", "invalid", "accept", "opted-out", "accept")
"""What is wrong with a content is wrong for all who share it."""


def simulated(url: str) -> dict[str, Any]:
    return {
        "provider_vendor": "sendgrid",
        "sender": {"email": "no-reply@brand.com"},
        "api_key_env_var": "PRISM_SENDGRID",
        "api_url": f"{url}/sendgrid",
        "event_webhook": {"public_key": callbacks.PUBLIC_KEY},
    }


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    return callbacks.make([report], url=settings.webhook_url, now=now)
