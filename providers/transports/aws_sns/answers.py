"""From SNS's XML to typed outcomes."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from providers import verdicts
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome, bounded_response, bounded_text
from providers.transports import answers as common
from providers.transports.redaction import redacted
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# Codes of Publish in botocore's model of the service, and AWS's common errors (General Reference) [GK].
# InvalidParameter and its kin are told apart by their words (`_ABOUT`).
CODES: dict[str, tuple[Kind, str]] = {
    **dict.fromkeys(
        ("Throttling", "Throttled", "ThrottledException", "ThrottlingException", "RequestLimitExceeded"),
        (Kind.DEFERRED, "RATE_LIMITED"),
    ),
    **dict.fromkeys(("InternalError", "InternalFailure"), (Kind.DEFERRED, "SERVER_ERROR")),  # §5: retry
    "ServiceUnavailable": (Kind.DEFERRED, "UNAVAILABLE"),
    "RequestExpired": (Kind.CONFIGURATION, "CLOCK_IS_WRONG"),  # our clock, or a request that was held up for long
    "OptedOut": (Kind.OPTED_OUT, "OPTED_OUT"),
    **dict.fromkeys(
        ("InvalidClientTokenId", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken"),
        (Kind.CONFIGURATION, "UNAUTHORIZED"),
    ),
    **dict.fromkeys(
        ("UnrecognizedClientException", "ExpiredToken", "InvalidSecurity", "MissingAuthenticationTokenException"),
        (Kind.CONFIGURATION, "UNAUTHORIZED"),
    ),
    **dict.fromkeys(
        ("AuthorizationError", "AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired"),
        (Kind.CONFIGURATION, "FORBIDDEN"),
    ),
    "KMSThrottling": (Kind.DEFERRED, "RATE_LIMITED"),
    **dict.fromkeys(
        ("KMSDisabled", "KMSInvalidState", "KMSNotFound", "KMSOptInRequired", "KMSAccessDenied"),
        (Kind.CONFIGURATION, "KMS"),
    ),
    **dict.fromkeys(("InvalidAction", "NotFound"), (Kind.CONFIGURATION, "NOT_FOUND")),  # another service answers there
    **dict.fromkeys(
        (
            "InvalidParameter",
            "ParameterValueInvalid",
            "ValidationException",
            "ValidationError",
            "InvalidParameterValue",
        ),
        (Kind.REJECTED, "INVALID_PARAMETER"),
    ),
}
# What the words of a refused parameter are about: a reason where there is one of these, else what is named first.
_REASONS: tuple[tuple[re.Pattern[str], tuple[Kind, str]], ...] = (
    (re.compile(r"opted[ -]?out", re.IGNORECASE), (Kind.OPTED_OUT, "OPTED_OUT")),
    (re.compile(r"too long", re.IGNORECASE), (Kind.REJECTED, "CONTENT_TOO_LONG")),
)
_ABOUT: tuple[tuple[re.Pattern[str], tuple[Kind, str]], ...] = (
    # An "origination phone number" is ours, not the person's: it begins sooner than its second half.
    (re.compile(r"sender ?id|origination", re.IGNORECASE), (Kind.CONFIGURATION, "SENDER_REFUSED")),
    (re.compile(r"phone ?number", re.IGNORECASE), (Kind.RECIPIENT_INVALID, "INVALID_NUMBER")),
    (re.compile(r"max ?price|spend", re.IGNORECASE), (Kind.CONFIGURATION, "SPENDING_LIMIT")),
)
_INVALID = CODES["InvalidParameter"]
_MESSAGE_ID = re.compile(r"<MessageId>([^<]{1,100})</MessageId>")
_CODE = re.compile(r"<Code>\s*([A-Za-z0-9.]{1,100})\s*</Code>")
_WORDS = re.compile(r"<Message>([^<]{1,2000})")


def parse(settings: ProviderSettings, answer: WireAnswer) -> Outcome:
    body = redacted(answer.body, settings.credentials.values())
    text, kept = body.decode("utf-8", "replace"), bounded_response(body)
    if 200 <= answer.status < 300:
        found = _MESSAGE_ID.search(text)
        return common.accepted(common.message_id(html.unescape(found[1])) if found else None, answer.status, kept)
    code, words = _error(text)
    if not code:
        return common.failed_by_status(answer, kept=kept)
    kind, reason = _judge(answer, code, words)
    return common.failed(answer, kind, reason, error=words or code, kept=kept)


def read_health(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    text = redacted(answer.body, settings.credentials.values()).decode("utf-8", "replace")
    code, words = _error(text)
    detail = bounded_text(f"HTTP {answer.status}" + (f": {code} {words}".rstrip() if code else ""), 300)
    if 200 <= answer.status < 300:
        return Verdict(ok=True, code=verdicts.OK, detail=detail)
    _kind, reason = _judge(answer, code, words)
    if reason in (verdicts.UNAUTHORIZED, verdicts.FORBIDDEN):
        return Verdict(ok=False, code=reason, detail=detail)
    is_theirs = answer.status >= 500 or answer.status == 429 or reason == "RATE_LIMITED"
    return Verdict(ok=False, code=verdicts.VENDOR_ERROR if is_theirs else verdicts.UNEXPECTED, detail=detail)


def _judge(answer: WireAnswer, code: str, words: str) -> tuple[Kind, str]:
    row = CODES.get(code)
    if row == _INVALID:
        return _meant_by(words) or row
    if row is not None:
        return row
    if not code:
        return common.by_status(answer.status)
    kind, _reason = common.by_status(answer.status)
    return kind, common.vendor_reason("AWS_SNS", code)


def _meant_by(words: str) -> tuple[Kind, str] | None:
    for pattern, meant in _REASONS:
        if pattern.search(words):
            return meant
    named = [(found.start(), meant) for pattern, meant in _ABOUT if (found := pattern.search(words))]
    return min(named, key=lambda each: each[0])[1] if named else None


def _error(text: str) -> tuple[str, str]:
    """Code and words of an ErrorResponse; empty where it is none."""
    code, words = _CODE.search(text), _WORDS.search(text)
    return (code[1] if code else ""), " ".join(html.unescape(words[1]).split()) if words else ""
