"""What a gateway tells of messages by calling us: {messageId, status, timestamp, error}, or a list of such.

From provider-contracts §11. `idempotencyKey`, where a gateway repeats ours, finds a message whose id never came.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from providers.outcomes import Kind, read_response
from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.transports import answers
from providers.transports.gateway import signing
from providers.transports.gateway.answers import FAILED, MESSAGE_ID_FIELDS, GatewayError, field, message_ids

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# `status`, without regard to case. What is not here, such as an inbound message without any, is no report.
STATUSES: dict[str, Meaning] = {
    **dict.fromkeys(("accepted", "queued", "pending"), Meaning.ACCEPTED),
    "sent": Meaning.SENT,
    "delivered": Meaning.DELIVERED,
    "read": Meaning.READ,
    **dict.fromkeys((*FAILED, "undelivered"), Meaning.FAILED),
    **dict.fromkeys(("opened", "clicked"), Meaning.ENGAGED),
}
SIGNS: dict[Kind, Sign] = {Kind.OPTED_OUT: Sign.OPTED_OUT, Kind.RECIPIENT_INVALID: Sign.ADDRESS_DEAD}
SIGNING_KEY = "webhook.signing_key"


def verify(settings: ProviderSettings, call: Call) -> bool:
    key = settings.credentials.get(SIGNING_KEY, "")
    return signing.verify(key, call.headers, call.body, call.received_at.timestamp())


def read(settings: ProviderSettings, call: Call) -> list[VendorReport]:
    """Raises ValueError where the body is neither an object nor a list."""
    try:
        items = msgspec.json.decode(call.body, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the body is neither an object nor a list: {error}") from error
    parts = [bytes(item) for item in items] if isinstance(items, list) else [call.body]
    return list(_reports(settings, parts))


def _reports(settings: ProviderSettings, parts: list[bytes]) -> Iterator[VendorReport]:
    for part in parts:
        value, _kept = read_response(part)
        said = _told(settings, value, "status")
        meaning = STATUSES.get(said.casefold()) if isinstance(said, str) else None
        if meaning is None:
            continue
        echoed = value.get("idempotencyKey") if isinstance(value, dict) else None
        report = VendorReport(
            kind=said,
            meaning=meaning,
            message_id=answers.message_id(*_ids(settings, value)) or "",
            dispatch_id=echoed if isinstance(echoed, str) else "",
            occurred_at=_moment(value.get("timestamp")) if isinstance(value, dict) else None,
            payload=part,
        )
        yield _failed(settings, report, value) if meaning is Meaning.FAILED else report


def _failed(settings: ProviderSettings, report: VendorReport, value: Any) -> VendorReport:
    error = GatewayError(settings, _told(settings, value, "error"))
    return msgspec.structs.replace(report, reason=error.reason, error=error.text, sign=SIGNS.get(error.kind))


def _told(settings: ProviderSettings, value: Any, name: str) -> Any:
    """Where the provider's answers have it, else under its usual name: odd answers often come with plain reports."""
    own = field(settings, value, name)
    return own if own is not None else answers.field(value, name)


def _ids(settings: ProviderSettings, value: Any) -> list[Any]:
    return [*message_ids(settings, value), *(answers.field(value, name) for name in MESSAGE_ID_FIELDS)]


def _moment(given: Any) -> dt.datetime | None:
    """RFC 3339, or unix seconds; without a zone it is UTC."""
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return dt.datetime.fromtimestamp(given, dt.UTC)
        moment = dt.datetime.fromisoformat(given)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
