"""What the conformance kit needs to know of FCM."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from tests.providers.service_accounts import PROJECT, document, public_pem

PROVIDER_TYPE = "PUSH"
ADDRESS = "dGVzdC10b2tlbg:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"
CREDENTIALS = {"api_key": document()}
HEALTH_POSTS = True
"""It asks for an access token, which reaches nobody."""
TOLD = public_pem().decode()
RECIPIENT = "sandbox-{}:" + "APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"
EXPECTED = {
    "opted-out": (Kind.RECIPIENT_INVALID, "UNREGISTERED_TOKEN"),
    "failed-in-200": (Kind.REJECTED, "SENDER_ID_MISMATCH"),
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}


def simulated(url: str) -> dict[str, Any]:
    return {"app_id": PROJECT, "api_key_env_var": "PRISM_FCM", "fcm_url": url, "oauth_url": f"{url}/fcm/token"}
