"""From a gateway's answer to typed outcomes (provider-contracts §11; architecture, decision 14).

Transport first, business second: an HTTP status of the table decides; a 2xx is decided by its body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome, bounded_text, read_response
from providers.transports.redaction import redacted

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# Status: outcome and reason. 502 and 504 speak for a gateway that does not know what became of the request: unknown,
# also for an idempotent one (it is then tried again, and stays unknown where every try ends so).
STATUS: dict[int, tuple[Kind, str]] = {
    401: (Kind.CONFIGURATION, "UNAUTHORIZED"),
    403: (Kind.CONFIGURATION, "FORBIDDEN"),
    408: (Kind.DEFERRED, "REQUEST_TIMEOUT"),  # the request never arrived whole (RFC 9110)
    425: (Kind.DEFERRED, "TOO_EARLY"),  # not processed (RFC 8470)
    429: (Kind.DEFERRED, "RATE_LIMITED"),
    502: (Kind.UNKNOWN, "BAD_GATEWAY"),
    503: (Kind.DEFERRED, "UNAVAILABLE"),
    504: (Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
}
# Every other status, by its first digit; the reason is HTTP_<status>.
STATUS_CLASS: dict[int, Kind] = {3: Kind.CONFIGURATION, 4: Kind.REJECTED, 5: Kind.DEFERRED}

# `status` values of a 2xx that mean failure, without regard to case.
FAILED = {"failed", "failure", "error", "rejected"}

# Error codes that mean the same everywhere; `configuration.error_codes` adds a gateway's own. Spelled by _spell().
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
MESSAGE_ID_FIELDS = ("messageId", "message_id", "id")
VENDOR_ERROR = "VENDOR_ERROR"
LONGEST_ID = 255
LONGEST_REASON = 50
LONGEST_RETRY_AFTER = 24 * 3600.0


def parse(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
    """One outcome per message, in order."""
    body = redacted(answer.body, settings.credentials.values())
    if len(messages) == 1:
        return [_parse_one(settings, answer, body)]
    if 200 <= answer.status < 300:
        return _parse_batch(settings, len(messages), body)
    return [_parse_one(settings, answer, body)] * len(messages)


def _parse_batch(settings: ProviderSettings, count: int, body: bytes) -> list[Outcome]:
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        items = []
    if len(items) == count:
        return [_parse_success(settings, *read_response(bytes(item)), 200) for item in items]
    # Which answer belongs to which message cannot be told, and all of them may have been taken.
    text = f"{len(items)} answers for {count} messages"
    kept = read_response(body)[1]
    return [Outcome(Kind.UNKNOWN, reason="UNREADABLE_ANSWER", error=text, response=kept)] * count


def _parse_one(settings: ProviderSettings, answer: WireAnswer, body: bytes) -> Outcome:
    value, kept = read_response(body)
    if 200 <= answer.status < 300:
        return _parse_success(settings, value, kept, answer.status)
    kind, reason = _by_status(answer.status)
    error = _Error(settings, _field(settings, value, "error"))
    if kind is Kind.REJECTED and error.is_given:
        kind, reason = error.kind, error.reason if error.reason != VENDOR_ERROR else reason
    return Outcome(
        kind=kind,
        reason=reason,
        error=error.text or f"HTTP {answer.status}",
        retry_after=_retry_after(answer, error) if kind is Kind.DEFERRED else None,
        response=kept,
    )


def _parse_success(settings: ProviderSettings, value: Any, kept: Any, status: int) -> Outcome:
    """A 2xx: failed where it says so, accepted where it names a message, else nobody knows."""
    given = _field(settings, value, "error")
    said = _field(settings, value, "status")
    if given or (isinstance(said, str) and said.casefold() in FAILED):
        error = _Error(settings, given)
        text = error.text or bounded_text(f"status {said}")
        return Outcome(error.kind, reason=error.reason, error=text, retry_after=error.retry_after, response=kept)
    message_id = _message_id(settings, value)
    if message_id is None:
        text = f"HTTP {status} without a message id"
        return Outcome(Kind.UNKNOWN, reason="NO_MESSAGE_ID", error=text, response=kept)
    return Outcome(Kind.ACCEPTED, message_id=message_id, response=kept)


class _Error:
    """The `error` of an answer: a string, or an object with code, message, retryable and retryAfter."""

    def __init__(self, settings: ProviderSettings, given: Any) -> None:
        fields = given if isinstance(given, dict) else {}
        code = fields.get("code", given if isinstance(given, str | int) else None)
        spelled = _spell(str(code)) if code is not None else ""
        known = _kind_of_code(settings, spelled)
        self.is_given = bool(given)
        self.retry_after = _seconds(fields.get("retryAfter"))
        self.kind = known or (Kind.DEFERRED if fields.get("retryable") is True else Kind.REJECTED)
        # A free text may name the recipient; a code may not be free text.
        is_code = known is not None or ("code" in fields and bool(spelled))
        self.reason = spelled[:LONGEST_REASON] if is_code else VENDOR_ERROR
        said = fields.get("message") or code
        self.text = bounded_text(str(said)) if said else None


def _kind_of_code(settings: ProviderSettings, spelled: str) -> Kind | None:
    for name, codes in settings.configuration.get("error_codes", {}).items():
        if any(_spell(code) == spelled for code in codes):
            return Kind(name)
    return CODES.get(spelled)


def _spell(code: str) -> str:
    """ "invalid number", "Invalid-Number" and "INVALID_NUMBER" are one code."""
    return re.sub(r"[^A-Z0-9]+", "_", code[:200].upper()).strip("_")


def _by_status(status: int) -> tuple[Kind, str]:
    if status in STATUS:
        return STATUS[status]
    return STATUS_CLASS.get(status // 100, Kind.UNKNOWN), f"HTTP_{status}"


def _retry_after(answer: WireAnswer, error: _Error) -> float | None:
    """The wire gives Retry-After in seconds, whichever form the vendor used."""
    asked = _seconds(answer.headers.get("retry-after"))
    return asked if asked is not None else error.retry_after


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, LONGEST_RETRY_AFTER) if seconds >= 0 else None


def _message_id(settings: ProviderSettings, value: Any) -> str | None:
    for given in _ids(settings, value):
        text = str(given).strip() if isinstance(given, str | int) and not isinstance(given, bool) else ""
        if 0 < len(text) <= LONGEST_ID and "\x00" not in text:
            return text
    return None


def _ids(settings: ProviderSettings, value: Any) -> list[Any]:
    if "message_id" in settings.configuration.get("response_fields", {}):
        return [_field(settings, value, "message_id")]
    return [value.get(name) for name in MESSAGE_ID_FIELDS] if isinstance(value, dict) else []


def _field(settings: ProviderSettings, value: Any, name: str) -> Any:
    """A field of the answer by the provider's own dotted path, or by its usual name."""
    path: str = settings.configuration.get("response_fields", {}).get(name, name)
    for step in path.split("."):
        if isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value
