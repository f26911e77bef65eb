"""From SendGrid's answers to typed outcomes."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from providers import verdicts
from providers.messages import Message, WireAnswer
from providers.outcomes import SPOILT, Kind, Outcome
from providers.transports import answers, health
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# Statuses beside the common ones (docs.sendgrid.com, "Mail Send errors"; provider-contracts §9a). A 5xx of the API took
# nothing: SendGrid asks to try again.
STATUS: answers.Table = {
    400: (Kind.REJECTED, "BAD_REQUEST"),
    404: (Kind.CONFIGURATION, "NOT_FOUND"),
    405: (Kind.CONFIGURATION, "METHOD_NOT_ALLOWED"),
    413: (Kind.REJECTED, "CONTENT_TOO_LONG"),
    500: (Kind.DEFERRED, "UNAVAILABLE"),
}
# The beginning of `errors[].field` of a 400: what the request got wrong. Our set-up is the same for every message.
FIELDS: dict[str, tuple[Kind, str]] = {
    "content": (Kind.REJECTED, "CONTENT_REFUSED"),
    "subject": (Kind.REJECTED, "CONTENT_REFUSED"),
    "template_id": (Kind.REJECTED, "TEMPLATE_REJECTED"),
    "from": (Kind.CONFIGURATION, "SENDER_REFUSED"),
    "reply_to": (Kind.CONFIGURATION, "REPLY_TO_REFUSED"),
    "asm": (Kind.CONFIGURATION, "UNSUBSCRIBE_GROUP_REFUSED"),
    "categories": (Kind.CONFIGURATION, "CATEGORIES_REFUSED"),
    "headers": (Kind.CONFIGURATION, "HEADERS_REFUSED"),
    "mail_settings": (Kind.CONFIGURATION, "SETTINGS_REFUSED"),
    "tracking_settings": (Kind.CONFIGURATION, "SETTINGS_REFUSED"),
}
# The same below `personalizations.N`: what one message got wrong.
OWN_FIELDS: dict[str, tuple[Kind, str]] = {
    "to": (Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
    "dynamic_template_data": (Kind.REJECTED, "TEMPLATE_REJECTED"),
}
OTHER_OWN_FIELD = (Kind.REJECTED, "PERSONALIZATION_REFUSED")
# A 401 for which the key is not to blame (general knowledge: SendGrid answers so when the plan is used up).
NO_CREDITS = re.compile("credits exceeded", re.IGNORECASE)
# A request that was refused for its size or for something unnamed may be taken in smaller parts.
OF_THE_MIX = {400, 413}
_OWN = re.compile(r"personalizations\.(\d{1,4})(?:\.(\w+))?")


def parse(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
    """One outcome per message, in order. A refused request took none of its messages."""
    value, kept = answers.read_json(settings, answer)
    if 200 <= answer.status < 300:
        return _taken(settings, messages, answer, kept)
    errors = _errors(value)
    own = _own_errors(errors, len(messages)) if answer.status == 400 else {}
    general = [error for error in errors if _OWN.match(_field(error)) is None]
    if own and not general:
        return [_of_one(answer, own.get(index), kept, len(messages)) for index in range(len(messages))]
    outcome = _of_all(answer, general[0] if general else {}, kept)
    if outcome.reason in ("BAD_REQUEST", "CONTENT_TOO_LONG") and answer.status in OF_THE_MIX and len(messages) > 1:
        outcome = Outcome(Kind.DEFERRED, reason=SPOILT, error=outcome.error, response=kept)
    return [outcome] * len(messages)


def read_scopes(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    """What the API key may do: without mail.send it is of no use here."""
    verdict = health.read(settings, answer, knocked=False)
    value = answers.read_json(settings, answer)[0] if verdict.ok else None
    scopes = value.get("scopes") if isinstance(value, dict) else None
    if isinstance(scopes, list) and "mail.send" not in scopes:
        return Verdict(ok=False, code=verdicts.FORBIDDEN, detail="the API key lacks the permission mail.send")
    return verdict


def _taken(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer, kept: Any) -> list[Outcome]:
    """202: taken. 200: checked only, in sandbox mode, and then without an id. Nothing else is SendGrid's word."""
    given = answers.message_id(answer.headers.get("x-message-id"))
    if answer.status == 200 and settings.configuration.get("sandbox_mode"):
        return [answers.accepted(f"sandbox-{message.dispatch_id}", 200, kept) for message in messages]
    if answer.status != 202:
        told = f"HTTP {answer.status} in place of 202"
        return [Outcome(Kind.UNKNOWN, reason=answers.UNREADABLE_ANSWER, error=told, response=kept)] * len(messages)
    if given is None or len(messages) == 1:
        return [answers.accepted(given, answer.status, kept)] * len(messages)
    ids = (answers.message_id(f"{given}+{message.dispatch_id}") for message in messages)
    return [answers.accepted(own, answer.status, kept) for own in ids]


def _of_one(answer: WireAnswer, error: dict[str, Any] | None, kept: Any, count: int) -> Outcome:
    """A message of a request of which SendGrid named at least one as bad."""
    if error is None:
        told = f"SendGrid refused the request for another of its {count} messages"
        return Outcome(Kind.DEFERRED, reason=SPOILT, error=told, response=kept)
    found = _OWN.match(_field(error))
    kind, reason = OWN_FIELDS.get(found[2] if found else "", OTHER_OWN_FIELD)
    return answers.failed(answer, kind, reason, error=error.get("message"), kept=kept)


def _of_all(answer: WireAnswer, error: dict[str, Any], kept: Any) -> Outcome:
    """What holds for every message of the request."""
    said = error.get("message")
    kind, reason = answers.by_status(answer.status, STATUS)
    if answer.status == 400:
        kind, reason = FIELDS.get(_field(error).partition(".")[0], (kind, reason))
    elif answer.status == 401 and NO_CREDITS.search(str(said)):
        reason = "CREDITS_EXCEEDED"
    return answers.failed(answer, kind, reason, error=said, wait=_until_reset(answer), kept=kept)


def _until_reset(answer: WireAnswer) -> float | None:
    """Seconds until X-RateLimit-Reset, by SendGrid's own clock where it tells: ours may go differently."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    if not (reset.isascii() and reset.isdecimal() and len(reset) <= 12):
        return None
    try:
        now = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        now = time.time()
    return answers.seconds(max(0.0, int(reset) - now))


def _errors(value: Any) -> list[dict[str, Any]]:
    errors = value.get("errors") if isinstance(value, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def _own_errors(errors: list[dict[str, Any]], count: int) -> dict[int, dict[str, Any]]:
    """The first error of each message that is named, by its place."""
    own: dict[int, dict[str, Any]] = {}
    for error in errors:
        found = _OWN.match(_field(error))
        if found is not None and int(found[1]) < count:
            own.setdefault(int(found[1]), error)
    return own


def _field(error: dict[str, Any]) -> str:
    field = error.get("field")
    return field if isinstance(field, str) else ""
