"""Meta's webhook: is it Meta's, and what does it say of our messages? (provider-contracts §2)"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.transports import answers
from providers.transports.calls import header_of, is_equal, object_of
from providers.transports.meta import codes
from providers.transports.phones import of_whatsapp

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# `status` of statuses[]; "deleted", "warning" and what comes after this was written say nothing of a delivery.
STATUSES: dict[str, Meaning] = {
    "sent": Meaning.SENT,
    "delivered": Meaning.DELIVERED,
    "read": Meaning.READ,
    "played": Meaning.READ,  # [GK] a voice message
    "failed": Meaning.FAILED,
}
# `value` of user_preferences[], the category marketing_messages (Meta's reference of that webhook).
PREFERENCES: dict[str, Sign] = {"stop": Sign.OPTED_OUT, "resume": Sign.OPTED_IN}

APP_SECRET, VERIFY_TOKEN = "webhook.app_secret", "webhook.verify_token"
LONGEST_CHALLENGE = 200
_MILLISECONDS_SINCE = 10**11
"""As seconds this is the year 5138: a larger number counts milliseconds."""


def verify(settings: ProviderSettings, call: Call) -> bool:
    secret = settings.credentials.get(APP_SECRET)
    if not secret:
        return False
    expected = f"sha256={hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()}"
    return is_equal(header_of(call, "X-Hub-Signature-256"), expected)


def greet(settings: ProviderSettings, call: Call) -> str | None:
    """The challenge, where Meta shows the word that was entered there."""
    token = settings.credentials.get(VERIFY_TOKEN)
    if not token or call.query.get("hub.mode") != "subscribe":
        return None
    challenge = call.query.get("hub.challenge", "")
    return challenge[:LONGEST_CHALLENGE] if is_equal(call.query.get("hub.verify_token", ""), token) else None


def read_reports(settings: ProviderSettings, call: Call) -> list[VendorReport]:
    value = object_of(call)
    number = settings.configuration["phone_number_id"]
    found: dict[tuple[str, str, str], VendorReport] = {}
    for field, change in _changes(value):
        if answers.field(change, "metadata.phone_number_id") != number:
            continue  # the app's webhook speaks for all of its numbers
        for report in _reports(field, change):
            found.setdefault((report.message_id, report.address, report.event_id), report)
    return list(found.values())


def _changes(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in _objects(value.get("entry")):
        for change in _objects(entry.get("changes")):
            if isinstance(change.get("value"), dict):
                yield str(change.get("field")), change["value"]


def _reports(field: str, change: dict[str, Any]) -> Iterator[VendorReport]:
    if field == "messages":
        yield from filter(None, map(_of_status, _objects(change.get("statuses"))))
    elif field == "user_preferences":
        yield from filter(None, map(_of_preference, _objects(change.get("user_preferences"))))


def _of_status(given: dict[str, Any]) -> VendorReport | None:
    said = str(given.get("status"))
    meaning = STATUSES.get(said)
    message_id = answers.message_id(given.get("id"))
    dispatch_id = _text(given.get("biz_opaque_callback_data"))
    if meaning is None or message_id is None:
        return None
    error = next(_objects(given.get("errors")), None) if meaning is Meaning.FAILED else None
    code = codes.code_of(error)
    known = codes.meaning_of(code) if code is not None else None
    reason = known.reason if known else answers.vendor_reason("meta", code) if code is not None else ""
    return VendorReport(
        kind=said,
        meaning=meaning,
        message_id=message_id,
        dispatch_id=dispatch_id,
        event_id=f"{said}:{given.get('timestamp')}",
        reason=reason or ("VENDOR_ERROR" if meaning is Meaning.FAILED else ""),
        error=answers.said(codes.text_of(error)),
        occurred_at=_moment(given.get("timestamp")),
        payload=msgspec.json.encode(given),
        sign=known.sign if known else None,
        # Of our own message we know better whom it went to.
        address="" if dispatch_id else of_whatsapp(_text(given.get("recipient_id"))),
    )


def _of_preference(given: dict[str, Any]) -> VendorReport | None:
    said = str(given.get("value"))
    sign = PREFERENCES.get(said)
    if sign is None or given.get("category") != "marketing_messages":
        return None
    return VendorReport(
        kind=f"user_preferences:{said}",
        meaning=Meaning.ENGAGED,
        event_id=f"{said}:{given.get('timestamp')}",
        occurred_at=_moment(given.get("timestamp")),
        payload=msgspec.json.encode(given),
        sign=sign,
        address=of_whatsapp(_text(given.get("wa_id"))),
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _text(value: Any) -> str:
    return answers.message_id(value) or ""


def _moment(value: Any) -> dt.datetime | None:
    """Seconds or milliseconds, as a number or its text."""
    try:
        number = int(value)
        return dt.datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_SINCE else number, dt.UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
