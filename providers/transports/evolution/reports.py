"""Evolution's webhook: is it our instance, and what does it say of our messages? (provider-contracts §3)"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

import msgspec

from providers.reporting import Call, Meaning, VendorReport
from providers.transports import answers
from providers.transports.calls import header_of, is_equal, object_of
from providers.transports.evolution.configuring import HEADER, JWT
from providers.transports.evolution.requests import webhook_secret
from providers.transports.redaction import redacted

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# `status` of messages.update; DELETED says nothing of the delivery.
STATUSES: dict[str, Meaning] = {
    "ERROR": Meaning.FAILED,
    "PENDING": Meaning.ACCEPTED,
    "SERVER_ACK": Meaning.SENT,
    "DELIVERY_ACK": Meaning.DELIVERED,
    "READ": Meaning.READ,
    "PLAYED": Meaning.READ,
}
UPDATE, CONNECTION = "messages.update", "connection.update"
PASSING = "connecting"
VENDOR_ERROR = "EVOLUTION_ERROR"
CLOCKS_APART = dt.timedelta(minutes=1)
_API_KEY = re.compile(rb'("api_?key"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE | re.DOTALL)


def verify(settings: ProviderSettings, call: Call) -> bool:
    secret = webhook_secret(settings)
    if not secret:
        return False
    webhook = settings.configuration.get("webhook", {})
    if webhook.get("type") == JWT:
        scheme, _, token = header_of(call, "Authorization").partition(" ")
        return scheme.lower() == "bearer" and _is_signed(token.strip(), secret, call.received_at)
    return is_equal(header_of(call, webhook.get("header_name", HEADER)), secret)


def redact(settings: ProviderSettings, body: bytes) -> bytes:
    """Every report holds the key of the instance, which may be another one than ours."""
    secrets = (*settings.credentials.values(), settings.webhook_token)
    return redacted(_API_KEY.sub(rb'\1"[redacted]"', body), secrets)


def read_reports(settings: ProviderSettings, call: Call) -> list[VendorReport]:
    value = object_of(call)
    if value.get("event") != UPDATE or value.get("instance") != settings.configuration["instance"]:
        return []
    data = value.get("data")
    given = data if isinstance(data, list) else [data]
    return [report for one in given if isinstance(one, dict) and (report := _report(one)) is not None]


def hints(settings: ProviderSettings, call: Call) -> bool:
    """The session was opened or closed; on the way in between there is nothing to see yet."""
    value = object_of(call)
    is_ours = value.get("event") == CONNECTION and value.get("instance") == settings.configuration["instance"]
    return is_ours and answers.field(value, "data.state") != PASSING


def _report(given: dict[str, Any]) -> VendorReport | None:
    said = given.get("status")
    meaning = STATUSES.get(said) if isinstance(said, str) else None
    message_id = answers.message_id(given.get("keyId"), answers.field(given, "key.id"))
    if meaning is None or message_id is None or given.get("fromMe") is False:
        return None  # fromMe: what we did with a message of theirs
    return VendorReport(
        kind=str(said),
        meaning=meaning,
        message_id=message_id,
        event_id=str(said),  # each once for a message; the time beside it is the server's own, without a zone
        reason=VENDOR_ERROR if meaning is Meaning.FAILED else "",
        payload=msgspec.json.encode(given),
    )


def _is_signed(token: str, secret: str, now: dt.datetime) -> bool:
    """HS256, and not expired (RFC 7519; the algorithm is ours to choose, not the token's)."""
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    expected = hmac.new(secret.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    if not hmac.compare_digest(_decoded(signature), expected):
        return False
    says, told = _object(header), _object(claims)
    expires = told.get("exp")
    if says.get("alg") != "HS256" or not isinstance(expires, int | float):
        return False
    return now.timestamp() <= expires + CLOCKS_APART.total_seconds()


def _object(part: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(_decoded(part))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
