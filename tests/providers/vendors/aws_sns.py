"""What the conformance kit needs to know of SNS."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.transports import aws_sns
from tests.providers.makers import CANARY

PROVIDER_TYPE = "SMS"
ECHOES = False
"""SNS has no place for our dispatch's id."""
HEALTH_POSTS = True
CREDENTIALS = {"access_key_id": "AKIDcanary0f3a9c", "secret_access_key": CANARY}
TOLD = f"{CREDENTIALS['access_key_id']}:{CANARY}"
EXPECTED = {
    "opted-out": Kind.ACCEPTED,  # SNS's logs say so, nobody else
    "failed-in-200": Kind.ACCEPTED,
    "500": (Kind.DEFERRED, "SERVER_ERROR"),
    "echo": (Kind.DEFERRED, "SERVER_ERROR"),
}


def simulated(url: str) -> dict[str, Any]:
    return {**aws_sns.transport.example, "api_url": f"{url}/aws_sns"}
