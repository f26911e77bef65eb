"""What the conformance kit needs to know of Evolution."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.transports import evolution

ECHOES = False
"""It has no place for our dispatch's id; reports name the key that it gave the message."""
HEALTH_IN_BODY = True
"""The state of the session stands there."""

_CLOSED = (Kind.DEFERRED, "INSTANCE_CLOSED")
"""Its 500 says "Connection Closed": nothing could go out."""
EXPECTED = {"500": _CLOSED, "echo": _CLOSED}


def simulated(url: str) -> dict[str, Any]:
    authentication = {"api_key_env_var": "PRISM_EVOLUTION"}
    own = {"api_url": f"{url}/evolution", "authentication": authentication, "delay_ms": 1}
    return {**evolution.transport.example, **own}
