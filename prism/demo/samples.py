"""The sample triggers, and what must become of each."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import msgspec

from prism.demo import campaigns, channels

SEED_ID = "550e8400-e29b-41d4-a716-446655440000"
# Seed 000, campaign_triggers; its e-mail address is blacked out there.
SEED_EVENT: dict[str, Any] = {
    "journey_name": "black_friday_credit_2024",
    "correlation_id": SEED_ID,
    "trace_id": "trace-123-456",
    "triggered_at": "2024-10-20T14:30:00Z",
    "contact_attributes": {
        "tax_identification": "12345678000190",
        "trading_name": "Empresa XPTO Ltda",
        "first_name": "João",
        "last_name": "Silva",
        "max_offer_value": 50000.00,
        "max_offer_value_formatted": "R$ 50.000,00",
        "min_offer_value": 10000.00,
        "min_offer_value_formatted": "R$ 10.000,00",
        "credit_tax": "1.99% a.m.",
        "phone_number": "+5511999999999",
        "email": "joao.silva@example.com",
        "push_token": "ExponentPushToken[xyz123]",
        "days_since_last_login": 5,
        "total_transactions": 42,
        "average_ticket": 1500.00,
        "lifetime_value": 63000.00,
    },
}
CONTROL_TAX_ID = "11222333000181"
"""Somebody who is always in the control group of the sample's credit_reactivation."""


class State(msgspec.Struct, frozen=True, order=True):
    """A dispatch as it must be; `reason` is its code, "" where there is none."""

    channel: str
    status: str
    reason: str = ""


class Sample(msgspec.Struct, frozen=True):
    """One record for Kafka. Exactly one of `states`, `rejection` and `repeat` says what must become of it."""

    title: str
    value: bytes
    correlation_id: str = ""
    states: tuple[State, ...] = ()
    rejection: str = ""
    repeat: bool = False


def samples(*, seed_is_known: bool) -> list[Sample]:
    """New correlation ids with every call, but for the seed's own: after the first run that one is a repeat."""
    whatsapp = State("WHATSAPP", "SENT")
    first = _event("credit_approved")
    changed = {**first, "contact_attributes": {**first["contact_attributes"], "first_name": "Maria"}}
    return [
        _sample("the seed's own event, again", SEED_EVENT, repeat=True)
        if seed_is_known
        else _sample("the seed's own event", SEED_EVENT, State("WHATSAPP", "SCHEDULED")),
        _sample("sent at once", first, whatsapp),
        _sample("the same once more", first, repeat=True),
        _sample("the same id, other content", changed, rejection="DUPLICATE_OTHER_PAYLOAD"),
        Sample("malformed JSON", b'{"journey_name": "credit_approved", ', rejection="MALFORMED_JSON"),
        _sample("an unknown journey", _event("no_such_journey"), rejection="UNKNOWN_JOURNEY"),
        _sample("a campaign that is off", _event(campaigns.OFF), rejection="CAMPAIGN_INACTIVE"),
        _sample(
            "in the control group",
            _event("credit_reactivation", tax_identification=CONTROL_TAX_ID),
            State("WHATSAPP", "CONTROL_GROUP", "CONTROL_GROUP"),
        ),
        _sample("not in the control group", _event("credit_reactivation"), whatsapp),
        _sample(
            "an attribute is missing",
            _event("credit_approved", max_offer_value_formatted=None),
            State("WHATSAPP", "REFUSED", "MISSING_ATTRIBUTE"),
        ),
        _sample("by both providers", _event(campaigns.BOTH), whatsapp, State("EMAIL", "SENT")),
        _sample(
            "refused by WhatsApp, so e-mail",
            _event("credit_expiring", phone_number=_phone(400)),
            State("WHATSAPP", "FAILED", "CONTENT_REJECTED"),
            State("EMAIL", "SENT"),
        ),
        _sample(
            "refused by the vendor",
            _event("credit_approved", phone_number=_phone(400)),
            State("WHATSAPP", "FAILED", "CONTENT_REJECTED"),
        ),
        _sample("a slow vendor", _event("credit_approved", phone_number=_phone(805)), whatsapp),
        _sample("fails once, then works", _event("credit_approved", phone_number=_phone(501)), whatsapp),
        _sample(
            "taken, but no answer came",
            _event("credit_approved", phone_number=_phone(803)),
            State("WHATSAPP", "UNKNOWN", "EMPTY"),
        ),
        _sample("by SMS, reported as delivered", _event(channels.SMS), State("SMS", "DELIVERED")),
        _sample("by Telegram", _event(channels.TELEGRAM, telegram_chat_id="73112233"), State("TELEGRAM", "SENT")),
        _sample("scheduled in a moment", _event(campaigns.SOON), whatsapp),
    ]


def _sample(title: str, event: dict[str, Any], *states: State, rejection: str = "", repeat: bool = False) -> Sample:
    value = json.dumps(event, ensure_ascii=False).encode()
    return Sample(title, value, str(event["correlation_id"]), tuple(sorted(states)), rejection, repeat)


def _event(journey_name: str, **attributes: Any) -> dict[str, Any]:
    """The seed's contact; None leaves an attribute out."""
    merged = {**SEED_EVENT["contact_attributes"], **attributes}
    return {
        "journey_name": journey_name,
        "correlation_id": str(uuid.uuid4()),
        "trace_id": f"demo-{uuid.uuid4().hex[:8]}",
        "triggered_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "contact_attributes": {name: value for name, value in merged.items() if value is not None},
    }


def _phone(code: int) -> str:
    """A number whose end tells the sandbox vendor how to behave."""
    return f"+55119000{code:04d}"
