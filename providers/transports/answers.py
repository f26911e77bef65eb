"""What answers over HTTP have in common, read one way for all vendors: JSON, ids, waits, statuses, error texts.

A vendor's own table comes first; where it says nothing, `by_status` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome, bounded_text, read_response
from providers.transports.redaction import redacted

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

Table = Mapping[int, tuple[Kind, str]]
"""HTTP status → outcome and reason."""

# 502 and 504 speak for a gateway that does not know what became of the request: unknown, also for a vendor that knows
# repeated messages (it is then tried again, and stays unknown where every try ends so).
STATUS: Table = {
    401: (Kind.CONFIGURATION, "UNAUTHORIZED"),
    403: (Kind.CONFIGURATION, "FORBIDDEN"),
    408: (Kind.DEFERRED, "REQUEST_TIMEOUT"),  # the request never arrived whole (RFC 9110)
    425: (Kind.DEFERRED, "TOO_EARLY"),  # not processed (RFC 8470)
    429: (Kind.DEFERRED, "RATE_LIMITED"),
    502: (Kind.UNKNOWN, "BAD_GATEWAY"),
    503: (Kind.DEFERRED, "UNAVAILABLE"),
    504: (Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
}
# Every other status, by its first digit; the reason is HTTP_<status>. What a server does after its own error nobody
# knows: a vendor whose 5xx certainly took nothing says so by `server_error`.
STATUS_CLASS: dict[int, Kind] = {3: Kind.CONFIGURATION, 4: Kind.REJECTED}
NO_ROWS: Table = MappingProxyType({})

# Error codes that mean the same wherever a company makes up its own, spelled as `spell` does.
CODES: dict[str, Kind] = {
    **dict.fromkeys(("OPTED_OUT", "OPT_OUT", "UNSUBSCRIBED", "BLOCKED_BY_RECIPIENT"), Kind.OPTED_OUT),
    **dict.fromkeys(("RECIPIENT_INVALID", "INVALID_RECIPIENT", "INVALID_NUMBER"), Kind.RECIPIENT_INVALID),
    **dict.fromkeys(
        ("INVALID_PHONE_NUMBER", "INVALID_EMAIL", "INVALID_PUSH_TOKEN", "UNREGISTERED"), Kind.RECIPIENT_INVALID
    ),
    **dict.fromkeys(("RATE_LIMITED", "RATE_LIMIT_EXCEEDED", "THROTTLED", "UNAVAILABLE"), Kind.DEFERRED),
    **dict.fromkeys(("TIMEOUT", "GATEWAY_TIMEOUT"), Kind.UNKNOWN),
    **dict.fromkeys(("UNAUTHORIZED", "FORBIDDEN", "INVALID_CREDENTIALS"), Kind.CONFIGURATION),
    **dict.fromkeys(("INSUFFICIENT_FUNDS", "SENDER_NOT_APPROVED"), Kind.CONFIGURATION),
}

NO_MESSAGE_ID = "NO_MESSAGE_ID"
UNREADABLE_ANSWER = "UNREADABLE_ANSWER"
LONGEST_ID = 255
LONGEST_REASON = 50
LONGEST_RETRY_AFTER = 24 * 3600.0


def read_json(settings: ProviderSettings, answer: WireAnswer) -> tuple[Any, Any]:
    """The body decoded (None where it is no JSON), to be judged, and its bounded copy, to be kept; both without our
    credentials."""
    return read_response(redacted(answer.body, settings.credentials.values()))


def field(value: Any, path: str) -> Any:
    """What stands at a dotted path ("messages.0.id"); None where nothing does."""
    for step in path.split("."):
        if isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if len(step) < 7 and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def message_id(*given: Any) -> str | None:
    """The first of them that can be one: stripped text or a whole number, of a length that is kept."""
    for candidate in given:
        text = str(candidate).strip() if isinstance(candidate, str | int) and not isinstance(candidate, bool) else ""
        if 0 < len(text) <= LONGEST_ID and "\x00" not in text and text.isprintable():
            return text
    return None


def accepted(given: str | None, status: int, kept: Any = None) -> Outcome:
    """Taken, where the vendor named its message; else nobody knows."""
    if given is None:
        text = f"HTTP {status} without a message id"
        return Outcome(Kind.UNKNOWN, reason=NO_MESSAGE_ID, error=text, response=kept)
    return Outcome(Kind.ACCEPTED, message_id=given, response=kept)


def by_status(status: int, own: Table = NO_ROWS, *, server_error: Kind = Kind.UNKNOWN) -> tuple[Kind, str]:
    """Outcome and reason of a status that is no success: the vendor's own rows first, then the common ones."""
    row = own.get(status) or STATUS.get(status)
    if row is not None:
        return row
    kind = server_error if status // 100 == 5 else STATUS_CLASS.get(status // 100, Kind.UNKNOWN)
    return kind, f"HTTP_{status}"


def failed(
    answer: WireAnswer, kind: Kind, reason: str, *, error: Any = None, wait: Any = None, kept: Any = None
) -> Outcome:
    """An outcome that is no success. `error`: what the vendor said, if it is a text; `wait`: seconds that the body
    asks for, after which Retry-After is looked at first."""
    return Outcome(
        kind,
        reason=reason[:LONGEST_REASON],
        error=said(error) or f"HTTP {answer.status}",
        retry_after=retry_after(answer, wait) if kind is Kind.DEFERRED else None,
        response=kept,
    )


def failed_by_status(
    answer: WireAnswer,
    own: Table = NO_ROWS,
    *,
    server_error: Kind = Kind.UNKNOWN,
    error: Any = None,
    kept: Any = None,
) -> Outcome:
    """A failure of which only the status is understood."""
    kind, reason = by_status(answer.status, own, server_error=server_error)
    return failed(answer, kind, reason, error=error, kept=kept)


def retry_after(answer: WireAnswer, *asked: Any) -> float | None:
    """Seconds to wait: the header's, else the first of the body's. The wire gives Retry-After in seconds, whichever
    form the vendor used."""
    for value in (answer.headers.get("retry-after"), *asked):
        wait = seconds(value)
        if wait is not None:
            return wait
    return None


def seconds(value: Any) -> float | None:
    """A number of seconds or its text, at most a day; None for anything else."""
    try:
        wait = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(wait, LONGEST_RETRY_AFTER) if wait >= 0 else None


def said(*given: Any) -> str | None:
    """The first text or number among them, bounded; None where the vendor said nothing."""
    for value in given:
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return bounded_text(str(value))
    return None


def spell(code: Any) -> str:
    """ "invalid number", "Invalid-Number" and "INVALID_NUMBER" are one code."""
    return re.sub(r"[^A-Z0-9]+", "_", str(code)[:200].upper()).strip("_")


def kind_listed(listed: Mapping[str, list[str]], spelled: str) -> Kind | None:
    """The outcome under whose name a configuration lists a code; None where it lists it nowhere."""
    return next((Kind(name) for name, codes in listed.items() if any(spell(code) == spelled for code in codes)), None)


def vendor_reason(vendor: str, code: Any) -> str:
    """The reason of a code that no table knows: <VENDOR>_<code>."""
    return f"{vendor.upper()}_{spell(code)}"[:LONGEST_REASON]
