"""From the Cloud API's answer to a typed outcome. `codes.py` has the table of error codes; without one, the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from providers import verdicts
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome
from providers.transports import answers, health
from providers.transports.meta import codes
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# provider-contracts §2: a 5xx is tried again, but for those that speak for a gateway (answers.STATUS).
SERVER_ERROR = Kind.DEFERRED


def parse(settings: ProviderSettings, answer: WireAnswer) -> Outcome:
    value, kept = answers.read_json(settings, answer)
    error = answers.field(value, "error")
    if isinstance(error, dict):
        return failed_by_code(answer, error, kept)
    if 200 <= answer.status < 300:
        # "held_for_quality_assessment" is taken too: it is sent, or reported as failed, later.
        return answers.accepted(answers.message_id(answers.field(value, "messages.0.id")), answer.status, kept)
    return answers.failed_by_status(answer, server_error=SERVER_ERROR, kept=kept)


def failed_by_code(answer: WireAnswer, error: dict[str, Any], kept: Any) -> Outcome:
    """What an error object of Meta's means, whoever hands it on."""
    code = codes.code_of(error)
    kind, reason = _by_status(answer.status)
    wait = None
    if code is not None:
        known = codes.meaning_of(code)
        reason = answers.vendor_reason("meta", code)
        if known is not None:
            kind, reason, wait = known.kind, known.reason, known.wait_s
    text = codes.text_of(error)
    numbered = f"({code}) {text}" if code is not None and text else text
    return answers.failed(answer, kind, reason, error=numbered, wait=wait, kept=kept)


def read_health(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    """Graph says by its code what is wrong, and answers most of it with 400."""
    verdict = health.read(settings, answer, knocked=False)
    value, _kept = answers.read_json(settings, answer)
    code = codes.code_of(answers.field(value, "error"))
    known = None if verdict.ok or code is None else codes.meaning_of(code)
    if known is None or (known.kind is not Kind.CONFIGURATION and code != 100):
        return verdict
    found = {"UNAUTHORIZED": verdicts.UNAUTHORIZED, "FORBIDDEN": verdicts.FORBIDDEN}
    return Verdict(ok=False, code=found.get(known.reason, verdicts.CONFIGURATION), detail=verdict.detail)


def _by_status(status: int) -> tuple[Kind, str]:
    """For an error object without a code, or with one that no table has: an error under a success is none the less."""
    if 200 <= status < 300:
        return Kind.REJECTED, "VENDOR_ERROR"
    return answers.by_status(status, server_error=SERVER_ERROR)
