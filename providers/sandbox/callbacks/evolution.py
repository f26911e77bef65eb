"""Evolution's events (provider-contracts §3): a header of our own choice, or a JWT made with a key given at set-up.

The body holds the instance's API key, as the real one does.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.callbacks.call import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    OPTED_OUT,
    READ,
    SENT,
    Callback,
    Report,
    rfc3339,
)

STATUSES = {ACCEPTED: "PENDING", SENT: "SERVER_ACK", DELIVERED: "DELIVERY_ACK", READ: "READ"}
STATUSES |= {FAILED: "ERROR", OPTED_OUT: "ERROR"}
HEADER = "X-Prism-Secret"


def make(
    reports: Sequence[Report],
    *,
    secret: str,
    url: str,
    now: float,
    header: str = HEADER,
    jwt: bool = False,
    apikey: str = "the-instance-key",
) -> Callback:
    """One report per call. `secret`: what the header holds; with `jwt` the key of the token instead."""
    (report,) = reports
    data: dict[str, Any] = {
        "keyId": report.message_id,
        "remoteJid": f"{report.to.lstrip('+')}@s.whatsapp.net",
        "fromMe": True,
        "status": STATUSES[report.status],
        "instanceId": "0d6f7a3e-0000-4000-8000-000000000001",
    }
    body = event("messages.update", data, report.account, at=report.at, apikey=apikey)
    signed = {"Authorization": f"Bearer {token(secret, now)}"} if jwt else {header: secret}
    return Callback(url, {"Content-Type": "application/json", **signed}, body)


def event(name: str, data: Any, instance: str, *, at: float, apikey: str) -> bytes:
    return msgspec.json.encode(
        {
            "event": name,
            "instance": instance or "sandbox",
            "data": data,
            "destination": "https://prism.example/webhooks",
            "date_time": rfc3339(at),
            "sender": "551155550100@s.whatsapp.net",
            "server_url": "http://127.0.0.1",
            "apikey": apikey,
        }
    )


def token(key: str, now: float, *, lifetime_s: int = 600) -> str:
    claims = {"iat": int(now), "exp": int(now) + lifetime_s, "app": "evolution", "action": "webhook"}
    parts = [_part(msgspec.json.encode(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(parts)
    return f"{signed}.{_part(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
