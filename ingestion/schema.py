"""The shape of `campaign_triggers` (seed 000, "Integração com Kafka") and its bounds, as types that msgspec enforces.

docs/schemas/campaign_triggers.schema.json says the same to producers; a test holds the two together.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from msgspec import Meta

MAX_NAME = 200
MAX_TAX_ID = 50
MAX_TEXT = 10_000
MAX_KEY = 100
MAX_ATTRIBUTES = 200
MAX_ITEMS = 1_000
# Levels of objects and lists, contact_attributes itself being the first.
MAX_DEPTH = 4
FIRST_YEAR, LAST_YEAR = 1970, 9998
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]
_Text = Annotated[str, Meta(max_length=MAX_TEXT)]
_TaxId = Annotated[str, Meta(max_length=MAX_TAX_ID)]
_Integer = Annotated[int, Meta(ge=MIN_INTEGER, le=MAX_INTEGER)]
_Number = _Integer | float


def _attributes_type() -> Any:
    """An object of texts, numbers, booleans, nulls, and objects or lists of them down to MAX_DEPTH."""
    value: Any = _Text | _Number | bool | None
    for _ in range(MAX_DEPTH - 1):
        value = (
            _Text
            | _Number
            | bool
            | None
            | Annotated[list[value], Meta(max_length=MAX_ITEMS)]
            | Annotated[dict[_Key, value], Meta(max_length=MAX_ATTRIBUTES)]
        )
    return Annotated[dict[_Key, value], Meta(max_length=MAX_ATTRIBUTES)]


class Event(msgspec.Struct, frozen=True, gc=False):
    """The envelope. Fields that it does not name are ignored: a producer may add its own."""

    journey_name: _Name
    correlation_id: _Name
    contact_attributes: msgspec.Raw
    trace_id: _Name | None = None
    triggered_at: dt.datetime | None = None


class SeedAttributes(msgspec.Struct, frozen=True, gc=False):
    """The contact fields that seed 000 gives a type. A null is a field that is not there; others pass unseen."""

    tax_identification: _TaxId | None = None
    trading_name: _Text | None = None
    first_name: _Text | None = None
    last_name: _Text | None = None
    max_offer_value: _Number | None = None
    max_offer_value_formatted: _Text | None = None
    min_offer_value: _Number | None = None
    min_offer_value_formatted: _Text | None = None
    credit_tax: _Text | None = None
    phone_number: _Text | None = None
    email: _Text | None = None
    push_token: _Text | None = None
    days_since_last_login: _Number | None = None
    total_transactions: _Number | None = None
    average_ticket: _Number | None = None
    lifetime_value: _Number | None = None


def is_known_year(moment: dt.datetime) -> bool:
    """Whether every part of the system can hold this time in any zone."""
    return FIRST_YEAR <= moment.year <= LAST_YEAR


decode_event = msgspec.json.Decoder(Event).decode
decode_attributes = msgspec.json.Decoder(_attributes_type()).decode
check_seed_attributes = msgspec.json.Decoder(SeedAttributes).decode

NUMBER_FIELDS = frozenset(
    {
        "max_offer_value",
        "min_offer_value",
        "days_since_last_login",
        "total_transactions",
        "average_ticket",
        "lifetime_value",
    }
)
TEXT_FIELDS = frozenset(SeedAttributes.__struct_fields__) - NUMBER_FIELDS
