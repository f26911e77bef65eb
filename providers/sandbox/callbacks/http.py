"""Reports of some vendor that nobody wrote code for (docs/adding-a-provider.md): HMAC-SHA256 over the raw body."""

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

STATUSES = {ACCEPTED: "QUEUED", SENT: "SENT", DELIVERED: "DELIVERED", READ: "READ"}
STATUSES |= {FAILED: "NOT_DELIVERED", OPTED_OUT: "REJECTED"}
CODES = {FAILED: "RECIPIENT_INVALID", OPTED_OUT: "OPTED_OUT"}
SIGNATURE = "X-Signature"


def make(reports: Sequence[Report], *, secret: str, url: str, now: float) -> Callback:
    """One report per call."""
    (report,) = reports
    status: dict[str, Any] = {"code": STATUSES[report.status], "timestamp": rfc3339(report.at)}
    if report.status in CODES:
        status |= {"reason": report.code or CODES[report.status], "description": report.text or "did not arrive"}
    told = {"messageId": report.message_id, "externalId": report.dispatch_id, "messageStatus": status}
    body = msgspec.json.encode({"id": f"{report.message_id}-{report.status}", **told})
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    return Callback(url, {"Content-Type": "application/json", SIGNATURE: signature}, body)
