"""From the answer of a vendor that its configuration describes to a typed outcome.

A code that the configuration lists says most, then a status that it lists; else the common tables of codes and of
statuses (`providers.transports.answers`). Nobody knows what an unlisted 5xx did: unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome
from providers.transports import answers

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# Codes by which vendors say that there is no error; others are listed as accepted in the configuration.
NO_ERROR = {"", "0", "00", "000", "OK", "SUCCESS"}


def parse(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
    value, kept = answers.read_json(settings, answer)
    return [_outcome(settings, message, answer, value, kept) for message in messages]


def _outcome(settings: ProviderSettings, message: Message, answer: WireAnswer, value: Any, kept: Any) -> Outcome:
    configuration = settings.configuration
    code = answers.said(_field(settings, value, "error_code"))
    spelled = answers.spell(code) if code is not None else ""
    listed = answers.kind_listed(configuration.get("error_codes", {}), spelled) if spelled else None
    by_status = answers.kind_listed(configuration.get("statuses", {}), str(answer.status))
    is_taken = by_status is Kind.ACCEPTED or (by_status is None and 200 <= answer.status < 300)
    message_id = _message_id(settings, message, answer, value)
    if listed is Kind.ACCEPTED or (is_taken and listed is None and spelled in (*NO_ERROR, str(answer.status))):
        return answers.accepted(message_id, answer.status, kept)
    if is_taken or listed is not None:
        # A code that nobody listed beside the id of a message: it may well be on its way.
        kind = listed or answers.CODES.get(spelled, Kind.UNKNOWN if message_id else Kind.REJECTED)
        reason = spelled
    else:
        kind, reason = _by_status(answer.status, by_status, spelled)
    text, wait = _field(settings, value, "error_text"), _field(settings, value, "retry_after")
    return answers.failed(answer, kind, reason, error=answers.said(text, code), wait=wait, kept=kept)


def _by_status(status: int, listed: Kind | None, spelled: str) -> tuple[Kind, str]:
    kind, reason = answers.by_status(status)
    if listed is not None:
        return listed, spelled or reason
    if kind is Kind.REJECTED and spelled:
        return answers.CODES.get(spelled, kind), spelled
    return kind, reason


def _message_id(settings: ProviderSettings, message: Message, answer: WireAnswer, value: Any) -> str | None:
    where = settings.configuration.get("answer", {})
    if where.get("id_is_ours"):
        return message.dispatch_id
    if "message_id_header" in where:
        return answers.message_id(answer.headers.get(where["message_id_header"].lower()))
    return answers.message_id(_field(settings, value, "message_id"))


def _field(settings: ProviderSettings, value: Any, name: str) -> Any:
    path = settings.configuration.get("answer", {}).get(name)
    return None if path is None else answers.field(value, path)
