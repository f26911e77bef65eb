"""From Blip's answers to typed outcomes: to a message, to the question who somebody is, to a ping."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from providers import verdicts
from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome
from providers.reporting import Sign
from providers.transports import Known, answers, health
from providers.transports.meta import codes
from providers.transports.meta.codes import Code
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

_LATER = Code(Kind.DEFERRED, "UNAVAILABLE")
_REFUSED = Code(Kind.REJECTED, "INVALID_MESSAGE")
_NOBODY = Code(Kind.RECIPIENT_INVALID, "NOT_ON_WHATSAPP", sign=Sign.ADDRESS_DEAD)

# LIME's reason codes (provider-contracts §1, lime-csharp ReasonCodes), for answers and notifications; what each means
# for a send is general knowledge [GK]. A code of Meta's inside the description says more, and counts first.
REASONS: Mapping[int, Code] = {
    **dict.fromkeys((1, 41, 43, 51, 71), _LATER),  # general, routing, gateway not found, dispatch, gateway
    **dict.fromkeys(range(11, 18), _LATER),  # the gateway's session
    **dict.fromkeys(range(21, 26), _REFUSED),  # validation
    **dict.fromkeys((31, 32), Code(Kind.CONFIGURATION, "UNAUTHORIZED")),
    **dict.fromkeys((42, 73), _NOBODY),  # destination not found, or not at this gateway
    **dict.fromkeys((72, 74), Code(Kind.REJECTED, "UNSUPPORTED_TYPE")),
}
# Of these only, a failed question says nothing of the person; every other failure is "not on WhatsApp" (§1).
_NOT_THE_PERSON = (Kind.DEFERRED, Kind.CONFIGURATION)
# §1 [GK]: 429 and 5xx were not taken. 502 and 504 stay unknown (answers.STATUS).
SERVER_ERROR = Kind.DEFERRED

NOT_ON_WHATSAPP = "NOT_ON_WHATSAPP"
IDENTITY_LIFETIME_S = 24 * 3600.0
"""WhatsApp promises no more than a week."""
_META_CODE = re.compile(r"\b1[0-9]{5}\b", re.ASCII)


def parse(settings: ProviderSettings, message: Message, answer: WireAnswer) -> Outcome:
    """Blip names no message: ours is known there by the id that we gave it."""
    value, kept = answers.read_json(settings, answer)
    if 200 <= answer.status < 300:
        if answer.status != 202 and answer.body and value is None:  # a page of whoever else answers there
            told = f"HTTP {answer.status} with what is no JSON"
            return Outcome(Kind.UNKNOWN, reason=answers.UNREADABLE_ANSWER, error=told, response=kept)
        return Outcome(Kind.ACCEPTED, message_id=message.dispatch_id, response=kept)
    known, text = meaning_of(answers.field(value, "reason") or value)
    if answer.status // 100 == 4 and answer.status not in answers.STATUS and known is not None:
        return answers.failed(answer, known.kind, known.reason, error=text, wait=known.wait_s, kept=kept)
    return answers.failed_by_status(answer, server_error=SERVER_ERROR, error=text, kept=kept)


def read_identity(settings: ProviderSettings, answer: WireAnswer) -> Known | Outcome:
    value, kept = answers.read_json(settings, answer)
    if not 200 <= answer.status < 300:
        kind, reason = answers.by_status(answer.status, server_error=SERVER_ERROR)
        if kind is Kind.REJECTED:
            kind = Kind.CONFIGURATION  # no message was judged: the address, or what we ask there, is wrong
        return answers.failed(answer, kind, reason, kept=kept)
    said = answers.field(value, "status")
    if said == "success":
        identity = answers.message_id(answers.field(value, "resource.alternativeAccount"))
        if identity is not None and "@" in identity:
            return Known(identity, IDENTITY_LIFETIME_S)
    if said == "failure":
        known, text = meaning_of(answers.field(value, "reason"))
        if known is None or known.kind not in _NOT_THE_PERSON:
            return answers.failed(answer, Kind.RECIPIENT_INVALID, NOT_ON_WHATSAPP, error=text, kept=kept)
        return answers.failed(answer, known.kind, known.reason, error=text, wait=known.wait_s, kept=kept)
    return answers.failed(answer, Kind.DEFERRED, answers.UNREADABLE_ANSWER, kept=kept)


def read_ping(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    """A command fails inside of a 200."""
    verdict = health.read(settings, answer, knocked=False)
    value, _kept = answers.read_json(settings, answer)
    if not verdict.ok or answers.field(value, "status") == "success":
        return verdict
    known, text = meaning_of(answers.field(value, "reason"))
    is_ours = known is not None and known.kind is Kind.CONFIGURATION
    return Verdict(ok=False, code=verdicts.UNAUTHORIZED if is_ours else verdicts.UNEXPECTED, detail=text or "")


def meaning_of(reason: Any) -> tuple[Code | None, str | None]:
    """What a LIME reason {code, description} means, and says. None where nobody here knows."""
    code = codes.code_of(reason)
    text = answers.said(reason.get("description")) if isinstance(reason, dict) else None
    for found in _META_CODE.findall(text or ""):
        known = codes.meaning_of(int(found))
        if known is not None:
            return known, text
    return (REASONS.get(code) if code is not None else None), text
