"""How a delivery ended, in the one vocabulary of all vendors, with a bounded copy of what the vendor said."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from providers.messages import WireAnswer

MAX_ERROR_CHARACTERS = 500
MAX_RESPONSE_BYTES = 8 * 1024
"""A vendor's answer is stored with the dispatch and published as a fact: more than this is cut and marked."""
MAX_TEXT_CHARACTERS = 1024
MAX_DEPTH = 24
SPOILT = "SPOILT_BY_ANOTHER"
"""Reason of a deferred message that was not taken only because its request was refused for another one in it: it goes
out again at once, without that one."""


class Kind(enum.Enum):
    """Architecture, decision 14."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    RECIPIENT_INVALID = "recipient_invalid"
    OPTED_OUT = "opted_out"
    CONFIGURATION = "configuration"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"
    """No byte left this host: the dispatch waits and the attempt is not counted."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """`reason` is a stable upper-case code, "" when accepted; `retry_after` is in seconds; `response` is JSON-able."""

    kind: Kind
    message_id: str | None = None
    reason: str = ""
    error: str | None = None
    retry_after: float | None = None
    response: Any = None


def outcome_of_incomplete(answer: WireAnswer) -> Outcome:
    """Nothing left: NOT_SENT. Something left and no complete answer came: UNKNOWN, whatever the error was."""
    code = answer.error or "incomplete"
    return Outcome(
        kind=Kind.UNKNOWN if answer.left else Kind.NOT_SENT,
        reason=code.upper(),
        error=bounded_text(answer.detail or code),
        response=bounded_response(answer.body) if answer.body else None,
    )


def bounded_text(text: str, limit: int = MAX_ERROR_CHARACTERS) -> str:
    """At most `limit` characters, and none that PostgreSQL refuses (NUL, lone surrogates)."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isascii() and "\x00" not in cut:
        return cut
    return cut.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def bounded_response(body: bytes) -> Any:
    """The vendor's answer as JSON that jsonb and Kafka take; what is no JSON, or too much, becomes marked text.

    Returns the decoded value, or `{"truncated": bool, "text": str}`, or None for an empty body.
    """
    return read_response(body)[1]


def read_response(body: bytes) -> tuple[Any, Any]:
    """The answer decoded (None where it is no JSON), to be judged, and its bounded copy, to be kept."""
    if not body:
        return None, None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, _as_text(body)
    if len(body) > MAX_RESPONSE_BYTES:
        return value, _as_text(body)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        return value, _as_text(body)
    # Without an escape there is no NUL and no surrogate in it: the usual answer is not walked.
    return value, value if b"\\u" not in body else _cleaned(value)


def _as_text(body: bytes) -> dict[str, Any]:
    text = body[: 4 * MAX_TEXT_CHARACTERS].decode("utf-8", "replace")
    cut = len(body) > 4 * MAX_TEXT_CHARACTERS or len(text) > MAX_TEXT_CHARACTERS
    return {"truncated": cut, "text": bounded_text(text, MAX_TEXT_CHARACTERS)}


def _is_deeper(value: Any, limit: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(_is_deeper(item, limit - 1) for item in inner)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return bounded_text(value, MAX_RESPONSE_BYTES)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {bounded_text(key, MAX_RESPONSE_BYTES): _cleaned(item) for key, item in value.items()}
    return value
