"""Phone numbers as vendors want them: the digits of E.164, from whatever the contact's attribute holds. Pure.

Nobody is asked whether a number exists; only what cannot be one is told apart.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext

from providers.messages import Message
from providers.outcomes import Kind
from providers.transports import Unsendable

BRAZIL = "55"
SHORTEST, LONGEST = 7, 15
"""Digits with the country's (ITU-T E.164; the shortest numbers in use have seven)."""
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
"""With the dashes and the invisible marks that copying from other programs leaves."""
_NUMBER = re.compile(r"\+?[0-9]+", re.ASCII)
_TRUNK = "0"
_LOCAL_LENGTHS = (10, 11)
"""Area and number in Brazil, without and with the ninth digit."""


def digits_of(text: str) -> str | None:
    """Country and number without + or 00; None where the text is no phone number.

    "+55 (31) 98888-9999", "0055 31 98888-9999", "5531988889999" and "31 98888-9999" are 5531988889999: ten or eleven
    digits without a country are Brazilian, also behind the 0 that is dialled there before the area.
    """
    bare = _SEPARATORS.sub("", text)
    if not _NUMBER.fullmatch(bare):
        return None
    if bare.startswith("+"):
        digits = bare[1:]
    elif bare.startswith("00"):
        digits = bare[2:]
    else:
        digits = bare.removeprefix(_TRUNK)
        if len(digits) in _LOCAL_LENGTHS:
            digits = BRAZIL + digits
        elif len(digits) < len(BRAZIL) + _LOCAL_LENGTHS[0] or digits != bare:
            return None  # no area, or a 0 before what has a country already
    return digits if SHORTEST <= len(digits) <= LONGEST and digits[0] != "0" else None


def e164_of(text: str) -> str | None:
    """The same with a leading +."""
    digits = digits_of(text)
    return None if digits is None else f"+{digits}"


def of_whatsapp(user_id: str) -> str:
    """The number of a WhatsApp id, with +, as people write it; "" where it is none. WhatsApp knows many Brazilian
    mobiles without the ninth digit that they have had since (landlines begin with 2 to 5)."""
    if not (user_id.isascii() and user_id.isdecimal() and SHORTEST <= len(user_id) <= LONGEST):
        return ""
    is_old = user_id.startswith(BRAZIL) and len(user_id) == len(BRAZIL) + _LOCAL_LENGTHS[0] and user_id[4] in "6789"
    return f"+{user_id[:4]}9{user_id[4:]}" if is_old else f"+{user_id}"


def recipient_of(message: Message) -> str:
    """The digits of a message's address. Raises Unsendable where it is no phone number."""
    digits = digits_of(message.to)
    if digits is None:
        raise Unsendable(Kind.RECIPIENT_INVALID, "INVALID_NUMBER", gettext("The address is no phone number."))
    return digits
