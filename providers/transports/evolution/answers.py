"""From an Evolution API server's answer to a typed outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from providers import verdicts
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome
from providers.transports import answers, health
from providers.transports.meta import codes
from providers.transports.meta.answers import failed_by_code
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# provider-contracts §3 (evolution-api v2.3.6). 500 is unknown (answers.by_status), but where a row below tells better.
STATUS: answers.Table = {
    401: (Kind.CONFIGURATION, "UNAUTHORIZED"),
    403: (Kind.CONFIGURATION, "FORBIDDEN"),
    404: (Kind.CONFIGURATION, "INSTANCE_UNKNOWN"),  # The "x" instance does not exist
}
# Beginnings of texts in `response.message`, of a 400 as of a 500 (their issues 1286, 1772, 2229): the session's socket
# was closed before the message could go into it.
TEXTS: dict[str, tuple[Kind, str]] = {
    "connection closed": (Kind.DEFERRED, "INSTANCE_CLOSED"),
    "error: connection closed": (Kind.DEFERRED, "INSTANCE_CLOSED"),
}
NOT_ON_WHATSAPP = "NOT_ON_WHATSAPP"
OPEN = "open"


def parse(settings: ProviderSettings, answer: WireAnswer) -> Outcome:
    value, kept = answers.read_json(settings, answer)
    if 200 <= answer.status < 300:
        return _taken(answer, value, kept)
    said = list(_flat(answers.field(value, "response.message")))
    if answer.status == 400 and any(isinstance(part, dict) and part.get("exists") is False for part in said):
        text = gettext("The number is not on WhatsApp.")
        return answers.failed(answer, Kind.RECIPIENT_INVALID, NOT_ON_WHATSAPP, error=text, kept=kept)
    told = "; ".join(part for part in said if isinstance(part, str)) or None
    if told is not None and answer.status in (400, 500):
        for beginning, (kind, reason) in TEXTS.items():
            if told.lower().startswith(beginning):
                return answers.failed(answer, kind, reason, error=told, kept=kept)
    return answers.failed_by_status(answer, STATUS, error=told, kept=kept)


def _taken(answer: WireAnswer, value: Any, kept: Any) -> Outcome:
    """201 is no proof: an instance on Meta's API answers so with Meta's error in place of the message."""
    message_id = answers.message_id(answers.field(value, "key.id"))
    if message_id is None:
        for error in (value, answers.field(value, "error")):
            if isinstance(error, dict) and codes.code_of(error) is not None:
                return failed_by_code(answer, error, kept)
    return answers.accepted(message_id, answer.status, kept)


def read_health(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    """Only an open session sends."""
    verdict = health.read(settings, answer, knocked=False)
    if answer.status == 404:
        return Verdict(ok=False, code=verdicts.CONFIGURATION, detail=verdict.detail)
    if not verdict.ok:
        return verdict
    value, _kept = answers.read_json(settings, answer)
    state = answers.field(value, "instance.state")
    if state == OPEN:
        return verdict
    told = answers.said(state) or "no state"
    return Verdict(ok=False, code=verdicts.DISCONNECTED, detail=told[: health.LONGEST_DETAIL])


def read_registration(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    verdict = health.read(settings, answer, knocked=False)
    if answer.status == 404:
        return Verdict(ok=False, code=verdicts.CONFIGURATION, detail=verdict.detail)
    return verdict


def _flat(value: Any) -> Iterator[Any]:
    """Texts, objects and lists of both: what stands there depends on who refused."""
    if isinstance(value, list):
        for part in value[:20]:
            yield from part[:20] if isinstance(part, list) else (part,)
    elif value is not None:
        yield value
