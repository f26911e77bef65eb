"""What the conformance kit needs to know of Evolution."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import evolution as callbacks
from providers.sandbox.callbacks.call import DELIVERED, FAILED, READ, SENT
from providers.settings import ProviderSettings
from providers.transports import evolution
from providers.transports.evolution.configuring import HEADER
from providers.transports.evolution.requests import webhook_secret

ECHOES = False
"""It has no place for our dispatch's id; reports name the key that it gave the message."""
HEALTH_IN_BODY = True
"""The state of the session stands there."""
_CLOSED = (Kind.DEFERRED, "INSTANCE_CLOSED")
"""Its 500 says "Connection Closed": nothing could go out."""
EXPECTED = {"500": _CLOSED, "echo": _CLOSED}
TELLS = (SENT, DELIVERED, READ, FAILED)
SIGNS_BODY = False


def simulated(url: str) -> dict[str, Any]:
    authentication = {"api_key_env_var": "PRISM_EVOLUTION"}
    own = {"api_url": f"{url}/evolution", "authentication": authentication, "delay_ms": 1}
    return {**evolution.transport.example, **own}


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    return callbacks.make(
        [report._replace(account=settings.configuration["instance"])],
        secret=webhook_secret(settings),
        url=settings.webhook_url,
        now=now,
        header=HEADER,
        apikey=settings.credentials.get("authentication.api_key", ""),
    )
