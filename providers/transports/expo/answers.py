"""From Expo's answers to typed outcomes, and from its receipts to reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from providers.messages import Message, WireAnswer
from providers.outcomes import SPOILT, Kind, Outcome, read_response
from providers.reporting import Meaning, Sign, VendorReport
from providers.transports import answers
from providers.transports.redaction import redacted

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

Part = TypeVar("Part")

# `details.error` of a ticket or a receipt (docs.expo.dev, "Individual errors"; provider-contracts §6): outcome, reason.
ERRORS: dict[str, tuple[Kind, str]] = {
    "DeviceNotRegistered": (Kind.RECIPIENT_INVALID, "UNREGISTERED_TOKEN"),
    "MessageTooBig": (Kind.REJECTED, "CONTENT_TOO_LONG"),
    # Too many to this one device: the others are sent to all the same, so it is not the account's RATE_LIMITED.
    "MessageRateExceeded": (Kind.DEFERRED, "DEVICE_RATE_LIMITED"),
    "MismatchSenderId": (Kind.CONFIGURATION, "SENDER_ID_MISMATCH"),
    "InvalidCredentials": (Kind.CONFIGURATION, "INVALID_CREDENTIALS"),
    "DeveloperError": (Kind.CONFIGURATION, "DEVELOPER_ERROR"),
    "ExpoError": (Kind.DEFERRED, "UNAVAILABLE"),
    "ProviderError": (Kind.DEFERRED, "UNAVAILABLE"),
}
# `errors[].code` of a request that was refused whole ("Request errors", same page). VALIDATION_ERROR and API_ERROR are
# general knowledge: seen in answers to malformed items.
REQUEST_ERRORS: dict[str, tuple[Kind, str]] = {
    "TOO_MANY_REQUESTS": (Kind.DEFERRED, "RATE_LIMITED"),
    "UNAUTHORIZED": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "PUSH_TOO_MANY_EXPERIENCE_IDS": (Kind.CONFIGURATION, "SEVERAL_PROJECTS"),
    "PUSH_TOO_MANY_NOTIFICATIONS": (Kind.REJECTED, "TOO_MANY_IN_ONE_REQUEST"),
    "VALIDATION_ERROR": (Kind.REJECTED, "VALIDATION_ERROR"),
    "API_ERROR": (Kind.REJECTED, "API_ERROR"),
}
# Nothing of the request was taken, because of what is in it: each of its messages is tried on its own. All of them are
# codes of a 4xx; under another status they say nothing of what was taken.
OF_THE_MIX = {"PUSH_TOO_MANY_EXPERIENCE_IDS", "PUSH_TOO_MANY_NOTIFICATIONS", "VALIDATION_ERROR", "API_ERROR"}
# Statuses beside the common ones: Expo asks to try again after a 5xx (docs.expo.dev, "Retry on failure").
STATUS: answers.Table = {500: (Kind.DEFERRED, "UNAVAILABLE")}


class _Answer(msgspec.Struct):
    """Parts that are read one by one, so that each message keeps its own."""

    data: msgspec.Raw = msgspec.Raw()
    errors: msgspec.Raw = msgspec.Raw()


def parse(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
    """One outcome per message, in order."""
    body = redacted(answer.body, settings.credentials.values())
    parts = _opened(body, _Answer) or _Answer()
    said = _first_error(parts)
    if said is not None or not 200 <= answer.status < 300:
        return [_refused(answer, said or {}, read_response(body)[1], len(messages))] * len(messages)
    tickets = _opened(parts.data, list[msgspec.Raw]) or [parts.data]
    if len(tickets) != len(messages):
        # Which ticket belongs to which message cannot be told, and all of them may have been taken.
        told = f"{len(tickets)} tickets for {len(messages)} messages"
        kept = read_response(body)[1]
        return [Outcome(Kind.UNKNOWN, reason=answers.UNREADABLE_ANSWER, error=told, response=kept)] * len(messages)
    return [_of_ticket(answer, bytes(ticket)) for ticket in tickets]


def read_receipts(
    settings: ProviderSettings, message_ids: Sequence[str], answer: WireAnswer
) -> list[VendorReport] | None:
    """Reports on those whose receipts are there; None where the question was not answered."""
    parts = _opened(redacted(answer.body, settings.credentials.values()), _Answer)
    receipts = _opened(parts.data, dict[str, msgspec.Raw]) if parts is not None else None
    if answer.status != 200 or receipts is None:
        return None
    found = (_report(message_id, bytes(receipts[message_id])) for message_id in message_ids if message_id in receipts)
    return [report for report in found if report is not None]


def _refused(answer: WireAnswer, said: dict[str, Any], kept: Any, count: int) -> Outcome:
    """The whole request was refused."""
    code = said.get("code")
    code = code if isinstance(code, str) else ""
    is_of_the_mix = code in OF_THE_MIX
    if is_of_the_mix and count > 1 and answer.status // 100 == 4:
        return Outcome(Kind.DEFERRED, reason=SPOILT, error=answers.said(said.get("message"), code), response=kept)
    row = REQUEST_ERRORS.get(code) if not is_of_the_mix or answer.status // 100 == 4 else None
    if row is None and 200 <= answer.status < 300:
        row = (Kind.UNKNOWN, answers.vendor_reason("expo", code) if code else answers.UNREADABLE_ANSWER)
    kind, reason = row or answers.by_status(answer.status, STATUS)
    return answers.failed(answer, kind, reason, error=said.get("message"), kept=kept)


def _of_ticket(answer: WireAnswer, body: bytes) -> Outcome:
    """One item of a 200: taken, or an error of its own."""
    value, kept = read_response(body)
    ticket = value if isinstance(value, dict) else {}
    if ticket.get("status") == "ok":
        return answers.accepted(answers.message_id(ticket.get("id")), answer.status, kept)
    if ticket.get("status") != "error":
        told = "a ticket that says neither ok nor error"
        return Outcome(Kind.UNKNOWN, reason=answers.UNREADABLE_ANSWER, error=told, response=kept)
    kind, reason = _meaning(ticket)
    return answers.failed(answer, kind, reason, error=ticket.get("message"), kept=kept)


def _report(message_id: str, body: bytes) -> VendorReport | None:
    """ "ok" says that Apple or Google took it, not that a device showed it."""
    receipt = read_response(body)[0]
    status = receipt.get("status") if isinstance(receipt, dict) else None
    if status not in ("ok", "error"):
        return None
    kind, reason = _meaning(receipt) if status == "error" else (Kind.ACCEPTED, "")
    return VendorReport(
        kind=str(status),
        meaning=Meaning.FAILED if status == "error" else Meaning.SENT,
        message_id=message_id,
        reason=reason,
        error=answers.said(receipt.get("message")) if status == "error" else None,
        sign=Sign.ADDRESS_DEAD if kind is Kind.RECIPIENT_INVALID else None,
        payload=body,
    )


def _meaning(item: dict[str, Any]) -> tuple[Kind, str]:
    details = item.get("details")
    code = details.get("error") if isinstance(details, dict) else None
    if not isinstance(code, str) or not code:
        return Kind.REJECTED, "EXPO_ERROR"
    return ERRORS.get(code) or (Kind.REJECTED, answers.vendor_reason("expo", code))


def _first_error(parts: _Answer) -> dict[str, Any] | None:
    """Of a request that was refused whole; None where it was not."""
    errors = read_response(bytes(parts.errors))[0]
    if not isinstance(errors, list) or not errors:
        return None
    return errors[0] if isinstance(errors[0], dict) else {}


def _opened(body: bytes | msgspec.Raw, kind: type[Part]) -> Part | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
