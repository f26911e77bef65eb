"""SendGrid's event webhook: whether a call is SendGrid's, and what each event says of a message and of its reader."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from providers.outcomes import read_response
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.transports import answers

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# `event` (docs.sendgrid.com, "Event Webhook Reference"; provider-contracts §9a): what it says of the message, and of
# the person. An event that is not here is none of a message's life. A complaint or an unsubscription comes long after
# the delivery and moves nothing.
EVENTS: dict[str, tuple[Meaning, Sign | None]] = {
    "processed": (Meaning.ACCEPTED, None),
    "deferred": (Meaning.ACCEPTED, None),  # still being tried, for up to three days
    "delivered": (Meaning.DELIVERED, None),
    "bounce": (Meaning.FAILED, None),  # by its type, below
    "dropped": (Meaning.FAILED, None),  # by its reason, below
    "open": (Meaning.ENGAGED, None),
    "click": (Meaning.ENGAGED, None),
    "spamreport": (Meaning.ENGAGED, Sign.COMPLAINED),
    "unsubscribe": (Meaning.ENGAGED, Sign.OPTED_OUT),
    "group_unsubscribe": (Meaning.ENGAGED, Sign.OPTED_OUT),
    "group_resubscribe": (Meaning.ENGAGED, Sign.OPTED_IN),
}
# `type` of a bounce: "blocked" is about the moment (full, refused content, reputation), not about the address.
BOUNCES: dict[str, tuple[str, Sign | None]] = {
    "bounce": ("BOUNCED", Sign.ADDRESS_DEAD),
    "blocked": ("BLOCKED", None),
}
# `reason` of what SendGrid did not even try, spelled as a code. Its lists of the account speak.
DROPS: dict[str, tuple[str, Sign | None]] = {
    "BOUNCED_ADDRESS": ("BOUNCED_EARLIER", Sign.ADDRESS_DEAD),
    "INVALID": ("INVALID_EMAIL", Sign.ADDRESS_DEAD),
    "UNSUBSCRIBED_ADDRESS": ("OPTED_OUT", Sign.OPTED_OUT),
    "SPAM_REPORTING_ADDRESS": ("COMPLAINED_EARLIER", Sign.COMPLAINED),
    "SPAM_CONTENT": ("SPAM_CONTENT", None),
    "RECIPIENT_LIST_OVER_PACKAGE_QUOTA": ("CREDITS_EXCEEDED", None),
}

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
LONGEST_AGE = dt.timedelta(hours=25)
"""SendGrid tries a call again for a day, and whether it signs it anew is not documented. A repeat within that time is
told apart by its `sg_event_id`."""
LONGEST_AHEAD = dt.timedelta(minutes=5)
_ARMOUR = re.compile(r"-----(BEGIN|END) PUBLIC KEY-----|\s+")
# What SendGrid appends to the X-Message-Id.
_APPENDED = re.compile(r"\.(?:filter|recv)")


def verify(settings: ProviderSettings, call: Call) -> bool:
    """ECDSA over the time's digits and the raw body (docs.sendgrid.com, "Event Webhook Security Features")."""
    key, stamp = key_of(settings), call.headers.get(TIMESTAMP, "")
    if key is None or not _is_recent(stamp, call.received_at):
        return False
    try:
        signature = base64.b64decode(call.headers.get(SIGNATURE, ""), validate=True)
        key.verify(signature, stamp.encode() + call.body, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def key_of(settings: ProviderSettings) -> ec.EllipticCurvePublicKey | None:
    """None where none is set up that can be read."""
    webhook = settings.configuration.get("event_webhook", {})
    return read_key(webhook.get("public_key") or settings.credentials.get("event_webhook.key", ""))


@lru_cache(maxsize=256)
def read_key(text: str) -> ec.EllipticCurvePublicKey | None:
    """From base64 of the DER form, as SendGrid shows it, or from PEM. None where it is no key on the curve P-256."""
    try:
        key = load_der_public_key(base64.b64decode(_ARMOUR.sub("", text), validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    is_right = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return key if is_right and isinstance(key, ec.EllipticCurvePublicKey) else None


def read_reports(call: Call) -> list[VendorReport]:
    """One report per event of a message, in the call's order."""
    try:
        items = msgspec.json.decode(call.body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as unreadable:
        raise ValueError("the body is no JSON array") from unreadable
    found = (_report(bytes(item)) for item in items)
    return [report for report in found if report is not None]


def _is_recent(stamp: str, now: dt.datetime) -> bool:
    made = _time(stamp) if stamp.isascii() and stamp.isdigit() else None
    return made is not None and -LONGEST_AHEAD <= now - made <= LONGEST_AGE


def _report(body: bytes) -> VendorReport | None:
    value = read_response(body)[0]
    event = value if isinstance(value, dict) else {}
    kind = _text(event, "event")
    if kind not in EVENTS:
        return None
    meaning, sign = EVENTS[kind]
    reason = ""
    if kind == "bounce":
        reason, sign = BOUNCES.get(_text(event, "type") or "bounce", ("BOUNCED", None))
    elif kind == "dropped":
        reason, sign = DROPS.get(answers.spell(_text(event, "reason")), ("DROPPED", None))
    return VendorReport(
        kind=kind,
        meaning=meaning,
        message_id=answers.message_id(_APPENDED.split(_text(event, "sg_message_id"), maxsplit=1)[0]) or "",
        dispatch_id=_text(event, "dispatch"),
        event_id=answers.message_id(event.get("sg_event_id")) or "",
        reason=reason,
        error=answers.said(_text(event, "reason"), _text(event, "response")) if meaning is Meaning.FAILED else None,
        occurred_at=_time(event.get("timestamp")),
        payload=body,
        sign=sign,
        address=_text(event, "email"),
    )


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _time(stamp: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromtimestamp(int(stamp), dt.UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
