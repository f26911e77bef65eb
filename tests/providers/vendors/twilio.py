"""What the conformance kit needs to know of Twilio."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import twilio as callbacks
from providers.settings import ProviderSettings
from providers.transports import twilio
from tests.providers.makers import CANARY

PROVIDER_TYPE = "SMS"
ECHOES = False
"""The dispatch's id is in the address for reports, which an example without a public address has not."""
TOLD = f"ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:{CANARY}"
EXPECTED = {
    "503": Kind.UNKNOWN,  # there is no key by which a repeat would be known
}


def simulated(url: str) -> dict[str, Any]:
    return {**twilio.transport.example, "auth_token_env_var": "PRISM_TWILIO", "api_url": f"{url}/twilio/2010-04-01"}


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    url = f"{settings.webhook_url}?dispatch={report.dispatch_id}"
    return callbacks.make([report], secret=settings.credentials["auth_token"], url=url, now=now)
