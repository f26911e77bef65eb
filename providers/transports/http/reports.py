"""The calls of a vendor that its configuration describes: whether they are its own, and what they report."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from providers.outcomes import Kind, bounded_text
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.transports import answers
from providers.transports.calls import header_of, is_equal

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

TOKEN = "reports.authentication.token"  # noqa: S105 - the name of the credential
STALE_S = 300
LONGEST_ERROR = 300
SIGNS: dict[Kind, Sign] = {Kind.OPTED_OUT: Sign.OPTED_OUT, Kind.RECIPIENT_INVALID: Sign.ADDRESS_DEAD}
_HASHES = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha512": hashlib.sha512}
_MILLISECONDS = 10**11
"""Seconds beyond this are milliseconds: 10**11 seconds are the year 5138."""


def verify(settings: ProviderSettings, call: Call) -> bool:
    reports = settings.configuration.get("reports")
    secret = settings.credentials.get(TOKEN, "")
    if reports is None or not secret:
        return False
    how = reports["authentication"]
    given = header_of(call, how["header_name"])
    if how["type"] == "header":
        return is_equal(given.removeprefix(f"{how['scheme']} ") if "scheme" in how else given, secret)
    stamp = header_of(call, how["timestamp_header"]) if "timestamp_header" in how else None
    if stamp is not None and not _is_fresh(stamp, call.received_at):
        return False
    signed = call.body if stamp is None else f"{stamp}.".encode("utf-8", "surrogatepass") + call.body
    digest = hmac.new(secret.encode(), signed, _HASHES[how.get("algorithm", "sha256")])
    is_base64 = how.get("encoding", "hex") == "base64"
    expected = b64encode(digest.digest()).decode() if is_base64 else digest.hexdigest()
    bare = given.removeprefix(how.get("prefix", ""))
    return is_equal(bare if is_base64 else bare.lower(), expected)


def read(settings: ProviderSettings, call: Call) -> list[VendorReport]:
    reports = settings.configuration.get("reports")
    if reports is None:
        return []
    value = _value(call)
    if "items" in reports:
        value = answers.field(value, reports["items"])
    found = value if isinstance(value, list) else [value]
    return [report for item in found if (report := _report(settings, reports, item)) is not None]


def _report(settings: ProviderSettings, reports: Mapping[str, Any], item: Any) -> VendorReport | None:
    word = answers.said(_at(reports, item, "status"))
    meaning = _meaning(reports.get("meanings", {}), word) if word is not None else None
    message_id = answers.message_id(_at(reports, item, "message_id")) or ""
    dispatch_id = answers.message_id(_at(reports, item, "dispatch_id")) or ""
    if word is None or meaning is None or not (message_id or dispatch_id):
        return None
    code = answers.said(_at(reports, item, "error_code"))
    is_failure = meaning is Meaning.FAILED
    kind = _kind(settings, code) if is_failure and code is not None else None
    text = answers.said(_at(reports, item, "error_text"), code) if is_failure else None
    return VendorReport(
        kind=bounded_text(word, 50),
        meaning=meaning,
        message_id=message_id,
        dispatch_id=dispatch_id,
        event_id=answers.message_id(_at(reports, item, "event_id")) or "",
        reason=answers.spell(code or word)[: answers.LONGEST_REASON] if is_failure else "",
        error=None if text is None else bounded_text(text, LONGEST_ERROR),
        occurred_at=moment(_at(reports, item, "timestamp")),
        payload=msgspec.json.encode(item),
        sign=SIGNS.get(kind) if kind is not None else None,
    )


def _meaning(listed: Mapping[str, list[str]], word: str) -> Meaning | None:
    spelled = answers.spell(word)
    return next(
        (Meaning(name) for name, words in listed.items() if any(answers.spell(one) == spelled for one in words)), None
    )


def _kind(settings: ProviderSettings, code: str) -> Kind | None:
    spelled = answers.spell(code)
    listed = answers.kind_listed(settings.configuration.get("error_codes", {}), spelled)
    return listed or answers.CODES.get(spelled)


def _at(reports: Mapping[str, Any], item: Any, name: str) -> Any:
    return answers.field(item, reports[name]) if name in reports else None


def _value(call: Call) -> Any:
    """Raises ValueError."""
    if header_of(call, "content-type").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode(), keep_blank_values=True))
    try:
        return msgspec.json.decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no JSON") from error


def moment(value: Any) -> dt.datetime | None:
    """Of seconds or milliseconds since 1970, or of a date and time with its zone (else UTC); None of anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
        return dt.datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, dt.UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        found = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _is_fresh(stamp: str, now: dt.datetime) -> bool:
    at = moment(stamp)
    return at is not None and abs((now - at).total_seconds()) <= STALE_S
