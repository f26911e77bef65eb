"""From a gateway's answer to typed outcomes (provider-contracts §11; architecture, decision 14).

Transport first, business second: an HTTP status of the table decides; a 2xx is decided by its body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome, bounded_text, read_response
from providers.transports import answers
from providers.transports.redaction import redacted

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# A gateway's 5xx took nothing (its contract says so), but for those of `answers.STATUS`.
SERVER_ERROR = Kind.DEFERRED

# `status` values of a 2xx that mean failure, without regard to case.
FAILED = {"failed", "failure", "error", "rejected"}

MESSAGE_ID_FIELDS = ("messageId", "message_id", "id")
VENDOR_ERROR = "VENDOR_ERROR"


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
    return [Outcome(Kind.UNKNOWN, reason=answers.UNREADABLE_ANSWER, error=text, response=kept)] * count


def _parse_one(settings: ProviderSettings, answer: WireAnswer, body: bytes) -> Outcome:
    value, kept = read_response(body)
    if 200 <= answer.status < 300:
        return _parse_success(settings, value, kept, answer.status)
    kind, reason = answers.by_status(answer.status, server_error=SERVER_ERROR)
    error = GatewayError(settings, field(settings, value, "error"))
    if kind is Kind.REJECTED and error.is_given:
        kind, reason = error.kind, error.reason if error.reason != VENDOR_ERROR else reason
    return answers.failed(answer, kind, reason, error=error.text, wait=error.retry_after, kept=kept)


def _parse_success(settings: ProviderSettings, value: Any, kept: Any, status: int) -> Outcome:
    """A 2xx: failed where it says so, accepted where it names a message, else nobody knows."""
    given = field(settings, value, "error")
    said = field(settings, value, "status")
    if given or (isinstance(said, str) and said.casefold() in FAILED):
        error = GatewayError(settings, given)
        text = error.text or bounded_text(f"status {said}")
        return Outcome(error.kind, reason=error.reason, error=text, retry_after=error.retry_after, response=kept)
    return answers.accepted(answers.message_id(*message_ids(settings, value)), status, kept)


class GatewayError:
    """The `error` of an answer: a string, or an object with code, message, retryable and retryAfter."""

    def __init__(self, settings: ProviderSettings, given: Any) -> None:
        fields = given if isinstance(given, dict) else {}
        code = fields.get("code", given if isinstance(given, str | int) else None)
        spelled = answers.spell(code) if code is not None else ""
        known = _kind_of_code(settings, spelled)
        self.is_given = bool(given)
        self.retry_after = answers.seconds(fields.get("retryAfter"))
        self.kind = known or (Kind.DEFERRED if fields.get("retryable") is True else Kind.REJECTED)
        # A free text may name the recipient; a code may not be free text.
        is_code = known is not None or ("code" in fields and bool(spelled))
        self.reason = spelled[: answers.LONGEST_REASON] if is_code else VENDOR_ERROR
        said = fields.get("message") or code
        self.text = bounded_text(str(said)) if said else None


def _kind_of_code(settings: ProviderSettings, spelled: str) -> Kind | None:
    own = answers.kind_listed(settings.configuration.get("error_codes", {}), spelled)
    return own or answers.CODES.get(spelled)


def message_ids(settings: ProviderSettings, value: Any) -> list[Any]:
    if "message_id" in settings.configuration.get("response_fields", {}):
        return [field(settings, value, "message_id")]
    return [value.get(name) for name in MESSAGE_ID_FIELDS] if isinstance(value, dict) else []


def field(settings: ProviderSettings, value: Any, name: str) -> Any:
    """A field of the answer by the provider's own dotted path, or by its usual name."""
    path: str = settings.configuration.get("response_fields", {}).get(name, name)
    return answers.field(value, path)
