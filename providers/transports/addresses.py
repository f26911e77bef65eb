"""Which contact attribute holds the destination of each provider type (seed 000, contact fields)."""

from __future__ import annotations

PHONE = "phone_number"
_BY_TYPE = {
    "EMAIL": "email",
    "PUSH": "push_token",
    "TELEGRAM": "telegram_chat_id",
}


def address_attribute(provider_type: str) -> str:
    """A type that nobody has heard of is most likely another way to reach a phone."""
    return _BY_TYPE.get(provider_type.upper(), PHONE)
