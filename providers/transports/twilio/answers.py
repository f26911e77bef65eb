"""From Twilio's answer to a typed outcome, and what its error codes mean wherever they appear.

Sources: provider-contracts §4 (codes as nyaruka/courier's errors.json names them, twilio.com/docs/api/errors); those
marked [GK] are general knowledge and were not checked against the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers import verdicts
from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome, bounded_text
from providers.transports import answers, health
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings


class Row(msgspec.Struct, frozen=True):
    kind: Kind
    reason: str
    wait_s: float | None = None


_HOURS, _A_DAY = 2 * 3600.0, 24 * 3600.0
_INVALID = Kind.RECIPIENT_INVALID

CODES: dict[int, Row] = {
    # Not now. The daily caps end with the day.
    20429: Row(Kind.DEFERRED, "RATE_LIMITED"),
    **dict.fromkeys((21611, 30001), Row(Kind.DEFERRED, "QUEUE_FULL")),
    **dict.fromkeys((30022, 63018), Row(Kind.DEFERRED, "RATE_LIMITED")),
    **dict.fromkeys((30023, 63038), Row(Kind.DEFERRED, "DAILY_LIMIT", _A_DAY)),
    **dict.fromkeys((21612, 30003, 30008), Row(Kind.DEFERRED, "UNREACHABLE", _HOURS)),
    # The person, or the address.
    21610: Row(Kind.OPTED_OUT, "OPTED_OUT"),
    **dict.fromkeys((21211, 21421), Row(_INVALID, "INVALID_NUMBER")),
    **dict.fromkeys((21614, 30006), Row(_INVALID, "NOT_A_MOBILE")),
    30005: Row(_INVALID, "UNKNOWN_NUMBER"),
    **dict.fromkeys((63003, 63024), Row(_INVALID, "NOT_ON_WHATSAPP")),
    # This number, because of how the account is set up: numbers elsewhere are sent to, so nothing is paused for it.
    21408: Row(Kind.REJECTED, "REGION_NOT_ENABLED"),
    21608: Row(Kind.REJECTED, "TRIAL_ACCOUNT"),  # and not one that was verified
    # The message.
    **dict.fromkeys((21602, 21619), Row(Kind.REJECTED, "EMPTY_MESSAGE")),  # [GK]
    **dict.fromkeys((21605, 21617), Row(Kind.REJECTED, "CONTENT_TOO_LONG")),  # 21605 [GK]
    21620: Row(Kind.REJECTED, "MEDIA_INVALID"),  # [GK]
    **dict.fromkeys((21655, 21656), Row(Kind.REJECTED, "TEMPLATE_REJECTED")),  # [GK]
    63016: Row(Kind.REJECTED, "OUTSIDE_WINDOW"),
    30004: Row(Kind.REJECTED, "BLOCKED"),
    30007: Row(Kind.REJECTED, "FILTERED"),
    # The account.
    20003: Row(Kind.CONFIGURATION, "UNAUTHORIZED"),
    20404: Row(Kind.CONFIGURATION, "ACCOUNT_NOT_FOUND"),  # [GK] of this address: no such account
    **dict.fromkeys((21601, 21606), Row(Kind.CONFIGURATION, "SENDER_INVALID")),
    **dict.fromkeys((21603, 21701, 21703), Row(Kind.CONFIGURATION, "SENDER_INVALID")),  # [GK]
    30002: Row(Kind.CONFIGURATION, "ACCOUNT_SUSPENDED"),
}
# Where the body tells no code. No idempotency key: after a 5xx nobody knows whether the message was taken.
STATUS: answers.Table = {
    404: (Kind.CONFIGURATION, "ACCOUNT_NOT_FOUND"),
    503: (Kind.UNKNOWN, "UNAVAILABLE"),
}
# `status` of a created message that says at once that it will not go out.
FAILED = {"failed", "undelivered", "canceled"}
VENDOR = "twilio"


def parse(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:  # noqa: ARG001 - the protocol's signature
    value, kept = answers.read_json(settings, answer)
    if 200 <= answer.status < 300:
        code = row_code(answers.field(value, "error_code"))
        if answers.said(answers.field(value, "status")) in FAILED:
            return [_failed(answer, code, answers.field(value, "error_message"), kept)]
        return [answers.accepted(answers.message_id(answers.field(value, "sid")), answer.status, kept)]
    code = row_code(answers.field(value, "code"))
    if code not in CODES and (answer.status >= 500 or answer.status in STATUS or answer.status in answers.STATUS):
        code = None  # the status says more than a code that nobody knows
    return [_failed(answer, code, answers.field(value, "message"), kept)]


def row_of(code: int) -> Row:
    return CODES.get(code) or Row(Kind.REJECTED, answers.vendor_reason(VENDOR, code))


def row_code(given: Any) -> int | None:
    """An error code, which Twilio writes as a number or as its text."""
    text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def read_health(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    """The account answers for its credential, and says whether it is active."""
    verdict = health.read(settings, answer, knocked=False)
    state = answers.field(answers.read_json(settings, answer)[0], "status")
    if verdict.ok and isinstance(state, str) and state != "active":
        return Verdict(ok=False, code=verdicts.FORBIDDEN, detail=bounded_text(f"account {state}", 100))
    return verdict


def _failed(answer: WireAnswer, code: int | None, said: Any, kept: Any) -> Outcome:
    if code is None:
        return answers.failed_by_status(answer, STATUS, error=said, kept=kept)
    row = row_of(code)
    told = f"{code} {answers.said(said) or ''}".strip()
    return answers.failed(answer, row.kind, row.reason, error=told, wait=row.wait_s, kept=kept)
