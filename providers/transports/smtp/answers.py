"""From a mail server's last reply to a typed outcome (provider-contracts §10).

The enhanced code (RFC 3463) is read before the three digits: "550 5.7.1" is a matter of policy, whatever 550 says. What
a code without one means depends on the command that it replied to: 550 to RCPT is about the person, to MAIL about us.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from providers import verdicts
from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome, bounded_response, bounded_text
from providers.transports import answers as common
from providers.transports.redaction import redacted
from providers.transports.smtp.configuring import is_sendgrid
from providers.transports.smtp.requests import message_id_of
from providers.verdicts import Verdict
from providers.wire import replies

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

Row = tuple[Kind, str]

# RFC 3463, RFC 5248, RFC 7505 (5.1.10) and the IANA registry of enhanced status codes; sorted as in the contract file.
ENHANCED: dict[str, Row] = {
    "5.1.1": (Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
    "5.1.2": (Kind.RECIPIENT_INVALID, "DOMAIN_UNKNOWN"),
    "5.1.3": (Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
    "5.1.6": (Kind.RECIPIENT_INVALID, "MAILBOX_MOVED"),
    "5.1.7": (Kind.CONFIGURATION, "SENDER_REFUSED"),
    "5.1.8": (Kind.CONFIGURATION, "SENDER_REFUSED"),
    "5.1.10": (Kind.RECIPIENT_INVALID, "DOMAIN_TAKES_NO_MAIL"),
    "5.2.1": (Kind.RECIPIENT_INVALID, "MAILBOX_DISABLED"),
    "5.2.2": (Kind.DEFERRED, "MAILBOX_FULL"),
    "5.2.3": (Kind.REJECTED, "CONTENT_TOO_LONG"),
    "5.3.4": (Kind.REJECTED, "CONTENT_TOO_LONG"),
    "5.7.8": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "5.7.9": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "5.7.14": (Kind.CONFIGURATION, "UNAUTHORIZED"),
}
POLICY: Row = (Kind.REJECTED, "REFUSED_BY_POLICY")  # every other 5.7.x: spam, DMARC, reputation

LOGIN_CODES = (530, 534, 535, 538)  # RFC 4954 §6
# RFC 5321 §4.2, in reply to whatever command.
CODES: dict[int, Row] = {
    421: (Kind.DEFERRED, "UNAVAILABLE"),
    450: (Kind.DEFERRED, "MAILBOX_BUSY"),
    451: (Kind.DEFERRED, "SERVER_ERROR"),
    452: (Kind.DEFERRED, "SERVER_FULL"),
    454: (Kind.DEFERRED, "UNAVAILABLE"),
    **dict.fromkeys(LOGIN_CODES, (Kind.CONFIGURATION, "UNAUTHORIZED")),
    554: POLICY,
}
# In reply to RCPT: about the recipient.
OF_RECIPIENT: dict[int, Row] = {
    550: (Kind.RECIPIENT_INVALID, "MAILBOX_UNKNOWN"),
    551: (Kind.RECIPIENT_INVALID, "MAILBOX_MOVED"),
    552: (Kind.DEFERRED, "MAILBOX_FULL"),
    553: (Kind.RECIPIENT_INVALID, "INVALID_EMAIL"),
}
# In reply to the message itself, or to DATA.
OF_CONTENT: dict[int, Row] = {550: POLICY, 552: (Kind.REJECTED, "CONTENT_TOO_LONG")}
# Whatever the code: what a 5xx to these commands is about.
OF_STAGE: dict[str, Row] = {
    replies.CONNECT: (Kind.CONFIGURATION, "REFUSED_BY_SERVER"),
    replies.AUTH: (Kind.CONFIGURATION, "UNAUTHORIZED"),
    replies.MAIL: (Kind.CONFIGURATION, "SENDER_REFUSED"),
}
# SendGrid's reply to a message from an address that it does not let this account send from (its documentation).
_UNVERIFIED = re.compile(r"verified sender identity", re.IGNORECASE)
_GREYLISTING = re.compile(r"gr[ae]y[ -]?list", re.IGNORECASE)
_QUEUED = re.compile(r"\bqueued as ([!-~]{1,200})", re.IGNORECASE)
_LINE = re.compile(r"^[2-5][0-9][0-9][ -]?(?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?: |$))?")
_ENHANCED = re.compile(r"^[2-5][0-9][0-9][ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})(?= |\r?$)", re.MULTILINE)

GREYLISTED_S = 15 * 60.0
MAILBOX_FULL_S = 3600.0


def parse(settings: ProviderSettings, message: Message, answer: WireAnswer) -> Outcome:
    body = redacted(answer.body, settings.credentials.values())
    text = body.decode("utf-8", "replace")
    kept = bounded_response(body)
    if 200 <= answer.status < 300:
        return Outcome(Kind.ACCEPTED, message_id=_message_id(settings, message, text), response=kept)
    kind, reason = _judge(answer, text)
    return Outcome(
        kind,
        reason=reason,
        error=_said(text) or f"SMTP {answer.status}",
        retry_after=_wait(kind, reason, answer),
        response=kept,
    )


def read_health(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    text = redacted(answer.body, settings.credentials.values()).decode("utf-8", "replace")
    detail = bounded_text(f"SMTP {answer.status}: {_said(text) or ''}".rstrip(": "), 300)
    if 200 <= answer.status < 300:
        return Verdict(ok=True, code=verdicts.OK, detail=detail)
    kind, reason = _judge(answer, text)
    if reason == "UNAUTHORIZED":
        return Verdict(ok=False, code=verdicts.UNAUTHORIZED, detail=detail)
    return Verdict(
        ok=False, code=verdicts.FORBIDDEN if kind is Kind.CONFIGURATION else verdicts.VENDOR_ERROR, detail=detail
    )


def _judge(answer: WireAnswer, text: str) -> Row:
    code, stage = answer.status, answer.headers.get(replies.STAGE_HEADER, replies.RCPT)
    if 400 <= code < 500:
        # Of this person's message; a 421, or one before RCPT, is about the server or about us.
        is_of_one = code != 421 and stage in (replies.RCPT, replies.DATA, replies.MESSAGE)
        if is_of_one and ("4.7.1" in text or _GREYLISTING.search(text)):
            return Kind.DEFERRED, "GREYLISTED"
        return CODES.get(code, (Kind.DEFERRED, f"SMTP_{code}"))
    if not 500 <= code < 600:
        return Kind.UNKNOWN, f"SMTP_{code}"
    if _UNVERIFIED.search(text):
        return Kind.CONFIGURATION, "SENDER_REFUSED"
    if stage in (replies.CONNECT, replies.AUTH):
        return OF_STAGE[stage]
    return _by_enhanced(code, text) or _by_code(code, stage)


def _by_enhanced(code: int, text: str) -> Row | None:
    found = _ENHANCED.search(text)
    if found is None:
        return None
    is_policy = found[1].startswith("5.7.") and code not in LOGIN_CODES
    return ENHANCED.get(found[1]) or (POLICY if is_policy else None)


def _by_code(code: int, stage: str) -> Row:
    if stage == replies.RCPT and code in OF_RECIPIENT:
        return OF_RECIPIENT[code]
    if stage in (replies.DATA, replies.MESSAGE) and code in OF_CONTENT:
        return OF_CONTENT[code]
    if code in CODES:
        return CODES[code]
    if code == 552:  # to MAIL, which told the size
        return OF_CONTENT[code]
    return OF_STAGE.get(stage, (Kind.REJECTED, f"SMTP_{code}"))


def _wait(kind: Kind, reason: str, answer: WireAnswer) -> float | None:
    if kind is not Kind.DEFERRED:
        return None
    return common.retry_after(answer, {"GREYLISTED": GREYLISTED_S, "MAILBOX_FULL": MAILBOX_FULL_S}.get(reason))


def _message_id(settings: ProviderSettings, message: Message, text: str) -> str:
    """Ours; SendGrid's own where it is the relay, as its events begin with that one."""
    queued = _QUEUED.search(text) if is_sendgrid(settings.configuration) else None
    named = common.message_id(queued[1].rstrip(".")) if queued else None
    return named or message_id_of(settings.configuration, message)


def _said(text: str) -> str | None:
    """The words of all lines, without their codes."""
    return common.said(" ".join(_LINE.sub("", line).strip() for line in text.splitlines()))
