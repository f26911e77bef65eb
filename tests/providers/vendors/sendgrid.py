"""What the conformance kit needs to know of SendGrid."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind

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


def simulated(url: str) -> dict[str, Any]:
    return {
        "provider_vendor": "sendgrid",
        "sender": {"email": "no-reply@brand.com"},
        "api_key_env_var": "PRISM_SENDGRID",
        "api_url": f"{url}/sendgrid",
    }
