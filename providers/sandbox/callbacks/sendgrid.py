"""SendGrid's event webhook (provider-contracts §9a): ECDSA (P-256) over time and raw body, with a key pair of this
process' own."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from providers.sandbox.callbacks.call import (
    ACCEPTED,
    CLICKED,
    COMPLAINED,
    DELIVERED,
    FAILED,
    OPENED,
    OPTED_OUT,
    READ,
    SENT,
    Callback,
    Report,
)

EVENTS = {ACCEPTED: "processed", SENT: "deferred", DELIVERED: "delivered", READ: "open", OPENED: "open"}
EVENTS |= {CLICKED: "click", FAILED: "bounce", OPTED_OUT: "unsubscribe", COMPLAINED: "spamreport"}
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
).decode()
"""As SendGrid shows it: base64 of the DER form, without PEM's first and last line."""


def make(
    reports: Sequence[Report],
    *,
    secret: str = "",
    url: str,
    now: float,
    argument: str = "dispatch",
) -> Callback:
    """`argument`: the name of the custom argument that holds our id."""
    body = msgspec.json.encode([_event(report, argument) for report in reports])
    stamp = str(int(now))
    headers = {"Content-Type": "application/json", SIGNATURE: sign(body, stamp), TIMESTAMP: stamp}
    return Callback(url, headers, body)


def sign(body: bytes, stamp: str) -> str:
    return base64.b64encode(KEY.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()


def _event(report: Report, argument: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "email": report.to,
        "timestamp": int(report.at),
        "event": EVENTS[report.status],
        "sg_event_id": base64.urlsafe_b64encode(uuid.uuid5(uuid.NAMESPACE_OID, repr(report)).bytes).decode(),
        "sg_message_id": f"{report.message_id}.filter0001.16648.5515E0B88.0",
    }
    if report.dispatch_id:
        event[argument] = report.dispatch_id
    if report.status == FAILED:
        reason = report.text or "550 5.1.1 The email account that you tried to reach does not exist"
        event |= {"type": "bounce", "status": report.code or "5.1.1", "reason": reason}
    elif report.status == CLICKED:
        event["url"] = "https://example.com/oferta"
    return event
