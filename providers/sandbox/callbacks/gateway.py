"""A gateway's reports (provider-contracts §11): HMAC-SHA256 over time and raw body."""

from __future__ import annotations

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

STATUSES = {ACCEPTED: "queued", SENT: "sent", DELIVERED: "delivered", READ: "read"}
STATUSES |= {FAILED: "failed", OPTED_OUT: "failed"}
CODES = {FAILED: "INVALID_NUMBER", OPTED_OUT: "OPTED_OUT"}
SIGNATURE = "X-Prism-Signature"


def make(reports: Sequence[Report], *, secret: str, url: str, now: float) -> Callback:
    """One report per call."""
    (report,) = reports
    told: dict[str, Any] = {
        "messageId": report.message_id,
        "status": STATUSES[report.status],
        "timestamp": rfc3339(report.at),
        "error": None,
    }
    if report.status in CODES:
        told["error"] = {"code": report.code or CODES[report.status], "message": report.text}
    body = msgspec.json.encode(told)
    return Callback(url, {"Content-Type": "application/json", SIGNATURE: sign(body, secret, now)}, body)


def sign(body: bytes, secret: str, now: float) -> str:
    made = hmac.digest(secret.encode(), f"{int(now)}.".encode() + body, "sha256").hex()
    return f"t={int(now)},v1={made}"
