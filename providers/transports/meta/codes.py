"""What Meta's error codes mean, wherever they turn up: in its own answers and reports, and in what Blip and Evolution
pass on of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from providers.outcomes import Kind
from providers.reporting import Sign


class Code(msgspec.Struct, frozen=True):
    """`wait_s`: how long before another try makes sense; `sign`: what it says of the person beyond the message."""

    kind: Kind
    reason: str
    wait_s: float | None = None
    sign: Sign | None = None


NO_SUCH_NUMBER = 33
_HOUR = 3600.0
_UNAVAILABLE = Code(Kind.DEFERRED, "UNAVAILABLE")
_UNAUTHORIZED = Code(Kind.CONFIGURATION, "UNAUTHORIZED")
_FORBIDDEN = Code(Kind.CONFIGURATION, "FORBIDDEN")
TEMPLATE_REJECTED = Code(Kind.REJECTED, "TEMPLATE_REJECTED")

# provider-contracts §2, after Meta's page of error codes (business-messaging/whatsapp/support/error-codes) and what
# Courier does with them. [GK]: general knowledge, not seen in a source; so are all waits but the pair's.
CODES: Mapping[int, Code] = {
    # Not now.
    4: Code(Kind.DEFERRED, "RATE_LIMITED", 60.0),  # the app's limit
    80007: Code(Kind.DEFERRED, "RATE_LIMITED", 60.0),  # the business account's
    130429: Code(Kind.DEFERRED, "RATE_LIMITED"),  # the number's throughput: seconds
    131056: Code(Kind.DEFERRED, "PAIR_RATE_LIMITED", 6.0),  # too many to one person
    131048: Code(Kind.DEFERRED, "SPAM_RATE_LIMITED", _HOUR),  # people block the number or report it as spam
    133016: Code(Kind.DEFERRED, "REGISTRATION_RATE_LIMITED", _HOUR),
    131053: Code(Kind.DEFERRED, "MEDIA_FAILED"),  # could not fetch the media; the tries are counted
    1: _UNAVAILABLE,
    2: _UNAVAILABLE,
    131000: _UNAVAILABLE,  # [GK]
    131016: _UNAVAILABLE,  # [GK]
    # Not to this person. 131026 has many causes (no WhatsApp, an old app, blocked, terms not accepted), some of which
    # pass: one alone is no sign that the number is dead. 131049 would be taken again after a day at the earliest [GK],
    # later than most messages are worth.
    131026: Code(Kind.REJECTED, "UNDELIVERABLE"),
    131049: Code(Kind.REJECTED, "MARKETING_LIMITED"),
    130472: Code(Kind.REJECTED, "IN_EXPERIMENT"),
    131047: Code(Kind.REJECTED, "OUTSIDE_WINDOW"),  # more than 24 h since the person wrote: needs a template
    131050: Code(Kind.OPTED_OUT, "OPTED_OUT", sign=Sign.OPTED_OUT),  # [GK] of this sender's marketing
    # Not as it is written. 132000 to 132016, the template's own: see meaning_of.
    100: Code(Kind.REJECTED, "INVALID_PARAMETER"),
    131008: Code(Kind.REJECTED, "MISSING_PARAMETER"),  # [GK]
    131009: Code(Kind.REJECTED, "INVALID_PARAMETER"),  # [GK]
    131051: Code(Kind.REJECTED, "UNSUPPORTED_TYPE"),  # [GK]
    # Our account.
    0: _UNAUTHORIZED,
    190: _UNAUTHORIZED,
    3: _FORBIDDEN,
    10: _FORBIDDEN,
    NO_SUCH_NUMBER: Code(Kind.CONFIGURATION, "NUMBER_UNKNOWN"),  # the sender's number was deleted
    368: Code(Kind.CONFIGURATION, "POLICY_BLOCKED"),
    131031: Code(Kind.CONFIGURATION, "ACCOUNT_LOCKED"),
    131042: Code(Kind.CONFIGURATION, "BILLING"),
}
_PERMISSIONS = range(200, 300)
_TEMPLATES = range(132000, 132017)  # [GK] missing, paused, disabled, another number or form of parameters


def meaning_of(code: int) -> Code | None:
    """None for a code that nobody here knows."""
    if code in _PERMISSIONS:
        return _FORBIDDEN
    if code in _TEMPLATES:
        return TEMPLATE_REJECTED
    return CODES.get(code)


def code_of(value: Any) -> int | None:
    """The code of an error object. 100 is also what a sender's number that is not there, or not ours, is told by: its
    subcode 33 (GraphMethodException) then says which."""
    if not isinstance(value, dict):
        return None
    code = _number(value.get("code"))
    return NO_SUCH_NUMBER if code == 100 and _number(value.get("error_subcode")) == NO_SUCH_NUMBER else code


def _number(given: Any) -> int | None:
    """Of a number or its text."""
    if isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < 10:
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 10**9 else None


def text_of(value: Any) -> str | None:
    """What an error object says, for a person: the details are what Meta wants read."""
    if not isinstance(value, dict):
        return None
    data = value.get("error_data")
    given = (value.get("message") or value.get("title"), data.get("details") if isinstance(data, dict) else None)
    told = [part for part in given if isinstance(part, str) and part.strip()]
    return ": ".join(dict.fromkeys(told)) or None
