"""Blip's notifications: is it Blip that calls, and what does it say of our messages? (provider-contracts §1)"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from providers.reporting import Call, Meaning, VendorReport
from providers.transports import answers
from providers.transports.blip.answers import meaning_of
from providers.transports.blip.configuring import HEADER
from providers.transports.calls import header_of, is_equal, object_of

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

EVENTS: dict[str, Meaning] = {
    "accepted": Meaning.ACCEPTED,
    "dispatched": Meaning.SENT,
    "received": Meaning.DELIVERED,
    "consumed": Meaning.READ,
    "failed": Meaning.FAILED,
}
TOKEN = "webhook.token"  # noqa: S105 - the name of the credential
_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
"""Ids of dispatches are UUIDs of version 7: a bot's other messages, which Blip reports on as well, are none of ours."""


def verify(settings: ProviderSettings, call: Call) -> bool:
    name = settings.configuration.get("webhook", {}).get("header_name", HEADER)
    return is_equal(header_of(call, name), settings.credentials.get(TOKEN, ""))


def read_reports(call: Call) -> list[VendorReport]:
    value = object_of(call)
    said = value.get("event")
    meaning = EVENTS.get(said) if isinstance(said, str) else None
    dispatch_id = answers.message_id(value.get("id")) or ""
    if meaning is None or not _OURS.fullmatch(dispatch_id):
        return []
    return [_report(value, str(said), meaning, dispatch_id)]


def _report(value: dict[str, Any], said: str, meaning: Meaning, dispatch_id: str) -> VendorReport:
    known, text = meaning_of(value.get("reason")) if meaning is Meaning.FAILED else (None, None)
    reason = ""
    if meaning is Meaning.FAILED:
        code = answers.field(value, "reason.code")
        reason = known.reason if known else answers.vendor_reason("blip", code) if code is not None else "VENDOR_ERROR"
    return VendorReport(
        kind=said,
        meaning=meaning,
        message_id=dispatch_id,
        dispatch_id=dispatch_id,
        event_id=said,  # each once for a message; Blip gives its notifications no time
        reason=reason,
        error=text,
        payload=msgspec.json.encode(value),
        sign=known.sign if known else None,
    )
