"""Twilio's calls to us: whether they are Twilio's, and what they say of a message or of a person (contracts §4)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from providers.outcomes import Kind, bounded_text
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.transports.twilio.answers import row_code, row_of
from providers.transports.twilio.configuring import WHATSAPP_PREFIX
from providers.transports.twilio.requests import DISPATCH

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# MessageStatus (twilio-oai). What is not here, such as the two of incoming messages, is no report.
STATUSES: dict[str, Meaning] = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending"), Meaning.ACCEPTED),
    "sent": Meaning.SENT,
    "delivered": Meaning.DELIVERED,
    "read": Meaning.READ,
    **dict.fromkeys(("failed", "undelivered", "canceled"), Meaning.FAILED),
}
SIGNS: dict[Kind, Sign] = {Kind.OPTED_OUT: Sign.OPTED_OUT, Kind.RECIPIENT_INVALID: Sign.ADDRESS_DEAD}
# OptOutType of an incoming message that Twilio took as a keyword (Advanced Opt-Out).
KEYWORDS: dict[str, Sign] = {"STOP": Sign.OPTED_OUT, "START": Sign.OPTED_IN}
BODY_HASH = "bodySHA256"
_JSON = "application/json"
_PORTS = {"https": 443, "http": 80}
LONGEST_ERROR = 300


def verify(settings: ProviderSettings, call: Call) -> bool:
    """X-Twilio-Signature over the address and, of a form, each field sorted by name; a body that is no form is named
    by its digest in the signed address."""
    token = settings.credentials.get("auth_token", "")
    given = call.headers.get("x-twilio-signature", "")
    if not token or not given:
        return False
    signed = ""
    if BODY_HASH in call.query and not _is_form(call):
        digest = hashlib.sha256(call.body).hexdigest()
        if not hmac.compare_digest(digest.encode(), call.query[BODY_HASH].lower().encode("utf-8", "replace")):
            return False
    else:
        try:
            pairs = parse_qsl(call.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            return False
        signed = "".join(name + value for name, value in sorted(set(pairs)))
    # Twilio signs the address with its port or without, as its own validator knows.
    return any(_matches(token, address + signed, given) for address in _spellings(call.url))


def read(settings: ProviderSettings, call: Call) -> list[VendorReport]:  # noqa: ARG001 - the protocol's signature
    fields = _fields(call)
    number = fields.get("To", "").removeprefix(WHATSAPP_PREFIX)
    word = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    meaning = STATUSES.get(word)
    if meaning is not None:
        return [_report(call, fields, word, meaning, number)]
    sign = KEYWORDS.get(fields.get("OptOutType", "").upper())
    if sign is None:
        return []
    sender = fields.get("From", "").removeprefix(WHATSAPP_PREFIX)
    # ENGAGED: the person did something, and no message of ours moves.
    return [VendorReport(kind="opt_out_type", meaning=Meaning.ENGAGED, sign=sign, address=sender, payload=call.body)]


def _report(call: Call, fields: dict[str, str], word: str, meaning: Meaning, number: str) -> VendorReport:
    code = row_code(fields.get("ErrorCode"))
    row = row_of(code) if code and meaning is Meaning.FAILED else None
    text = fields.get("ErrorMessage") or ""
    return VendorReport(
        kind=word,
        meaning=meaning,
        message_id=(fields.get("MessageSid") or fields.get("SmsSid") or "").strip(),
        dispatch_id=call.query.get(DISPATCH, ""),
        reason=row.reason if row else (f"TWILIO_{word.upper()}" if meaning is Meaning.FAILED else ""),
        error=bounded_text(f"{code} {text}".strip(), LONGEST_ERROR) if row else None,
        payload=call.body,
        sign=SIGNS.get(row.kind) if row else None,
        address=number,
    )


def _fields(call: Call) -> dict[str, str]:
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON:
        try:
            value = msgspec.json.decode(call.body)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError("no JSON") from error
        return {key: str(inner) for key, inner in value.items()} if isinstance(value, dict) else {}
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


def _is_form(call: Call) -> bool:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("", "application/x-www-form-urlencoded")


def _matches(token: str, text: str, given: str) -> bool:
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    return hmac.compare_digest(b64encode(digest), given.encode("utf-8", "replace"))


def _spellings(url: str) -> Iterator[str]:
    yield url
    parts = urlsplit(url)
    if parts.port is not None:
        yield parts._replace(netloc=parts.netloc.rpartition(":")[0]).geturl()
    elif parts.scheme in _PORTS:
        yield parts._replace(netloc=f"{parts.netloc}:{_PORTS[parts.scheme]}").geturl()
