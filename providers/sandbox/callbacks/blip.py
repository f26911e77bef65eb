"""Blip's notifications (provider-contracts §1): unsigned; a header of our own choice holds a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.callbacks.call import ACCEPTED, DELIVERED, FAILED, OPTED_OUT, READ, SENT, Callback, Report

EVENTS = {ACCEPTED: "accepted", SENT: "dispatched", DELIVERED: "received", READ: "consumed"}
EVENTS |= {FAILED: "failed", OPTED_OUT: "failed"}
REASONS = {
    FAILED: (42, "The destination was not found"),
    OPTED_OUT: (71, "Gateway error: 131050 - User has stopped marketing messages"),
}
HEADER = "X-Prism-Secret"


def make(
    reports: Sequence[Report],
    *,
    secret: str,
    url: str,
    now: float,
    header: str = HEADER,
) -> Callback:
    """One report per call. `secret`: what the header holds, set up at Blip by hand."""
    (report,) = reports
    told: dict[str, Any] = {
        "id": report.message_id,
        "from": f"{report.to.lstrip('+')}@wa.gw.msging.net/instance-7",
        "to": f"{report.account or 'sandbox'}@msging.net",
        "event": EVENTS[report.status],
    }
    if report.status in REASONS:
        code, text = REASONS[report.status]
        told["reason"] = {"code": int(report.code or code), "description": report.text or text}
    return Callback(url, {"Content-Type": "application/json", header: secret}, msgspec.json.encode(told))
