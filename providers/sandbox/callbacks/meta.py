"""Meta's status webhook, and Evolution's source of codes (provider-contracts §2): HMAC-SHA256 over the raw body."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from providers.sandbox.callbacks.call import DELIVERED, FAILED, OPTED_OUT, READ, SENT, Callback, Report

STATUSES = {SENT: "sent", DELIVERED: "delivered", READ: "read", FAILED: "failed", OPTED_OUT: "failed"}
CODES = {FAILED: ("131026", "Message undeliverable"), OPTED_OUT: ("131050", "User has stopped marketing messages")}
SIGNATURE = "X-Hub-Signature-256"


def make(reports: Sequence[Report], *, secret: str, url: str, now: float) -> Callback:
    """`secret`: the app's."""
    number = next((report.account for report in reports if report.account), "106540352242922")
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "551155550100", "phone_number_id": number},
        "statuses": [_status(report) for report in reports],
    }
    entry = [{"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}]
    body = msgspec.json.encode({"object": "whatsapp_business_account", "entry": entry})
    return Callback(url, {"Content-Type": "application/json", SIGNATURE: sign(body, secret)}, body)


def sign(body: bytes, secret: str) -> str:
    return f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def greet(*, token: str, url: str, challenge: str = "1158201444") -> Callback:
    """The GET with which an address is proven."""
    asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
    return Callback(f"{url}?{urlencode(asked)}", {}, b"", "GET")


def _status(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": report.message_id,
        "status": STATUSES[report.status],
        "timestamp": str(int(report.at)),
        "recipient_id": report.to.lstrip("+"),
    }
    if report.dispatch_id:
        told["biz_opaque_callback_data"] = report.dispatch_id
    if report.status in CODES:
        code, text = CODES[report.status]
        words = report.text or text
        details = {"details": words}
        told["errors"] = [{"code": int(report.code or code), "title": words, "message": words, "error_data": details}]
    return told
