"""A vendor's receipt as a door hands it over, and as it is kept: bounded, with the digest that makes it one. Pure."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from dispatching import arrays
from dispatching.statuses import Status
from providers.outcomes import bounded_text
from providers.reporting import Sign

MAX_PAYLOAD_BYTES = 8 * 1024
LONGEST = {"message_id": 300, "kind": 100, "reason": 50, "error_message": 500, "address": 500}


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """One report; its times are aware. `kind` is the vendor's word for it, `status` what it means here: None for what
    moves no status, as an open or a click. `payload` is its part of the raw request. Where the vendor gives each report
    an id it is `event_id`, else equal content is the same report; where it echoes our dispatch id, that finds the
    dispatch, and `message_id` may be empty. `sign`: what it says of the person or the address beyond the message; of
    `address`, where the vendor names it."""

    tenant_id: int
    provider_id: str
    message_id: str
    kind: str
    received_at: dt.datetime
    status: Status | None = None
    reason: str = ""
    error: str | None = None
    occurred_at: dt.datetime | None = None
    payload: bytes = b""
    event_id: str = ""
    dispatch_id: str = ""
    sign: Sign | None = None
    address: str = ""


class Report(msgspec.Struct, frozen=True, gc=False):
    """A receipt as it is kept. The fields are COLUMNS, in their order; `status` and `sign` are "" for None."""

    id: str
    tenant_id: int
    provider_id: str
    message_id: str
    dispatch_id: str | None
    kind: str
    status: str
    reason: str
    error_message: str | None
    occurred_at: dt.datetime | None
    received_at: dt.datetime
    payload: bytes
    payload_size: int
    sign: str
    address: str

    @property
    def moment(self) -> dt.datetime:
        return self.occurred_at or self.received_at


COLUMNS = ", ".join(Report.__struct_fields__)
UNNESTED = (
    "unnest(%(id)s::uuid[], %(tenant_id)s::bigint[], %(provider_id)s::uuid[], %(message_id)s::text[],"
    " %(dispatch_id)s::uuid[], %(kind)s::text[], %(status)s::text[], %(reason)s::text[], %(error_message)s::text[],"
    " %(occurred_at)s::timestamptz[], %(received_at)s::timestamptz[], %(payload)s::bytea[], %(payload_size)s::int[],"
    " %(sign)s::text[], %(address)s::text[])"
    f" AS e ({COLUMNS})"
)


def report_of(receipt: Receipt) -> Report:
    """Whatever is in it, PostgreSQL takes it and it has an end."""
    return Report(
        id=_digest(receipt),
        tenant_id=receipt.tenant_id,
        provider_id=receipt.provider_id,
        message_id=_text("message_id", receipt.message_id),
        dispatch_id=_uuid(receipt.dispatch_id),
        kind=_text("kind", receipt.kind),
        status=receipt.status.value if receipt.status else "",
        reason=_text("reason", receipt.reason),
        error_message=None if receipt.error is None else _text("error_message", receipt.error),
        occurred_at=_moment(receipt.occurred_at),
        received_at=receipt.received_at,
        payload=receipt.payload[:MAX_PAYLOAD_BYTES],
        payload_size=len(receipt.payload),
        sign=receipt.sign.value if receipt.sign else "",
        address=_text("address", receipt.address),
    )


def parameters(reports: Sequence[Report]) -> dict[str, str]:
    """The arrays of UNNESTED."""
    return {
        **{
            name: arrays.plain([getattr(report, name) for report in reports])
            for name in ("id", "tenant_id", "provider_id", "dispatch_id", "payload_size")
        },
        **{
            name: arrays.texts([getattr(report, name) for report in reports])
            for name in ("message_id", "kind", "status", "reason", "error_message", "sign", "address")
        },
        "occurred_at": arrays.texts([_iso(report.occurred_at) for report in reports]),
        "received_at": arrays.texts([_iso(report.received_at) for report in reports]),
        "payload": arrays.texts([f"\\x{report.payload.hex()}" for report in reports]),
    }


def _digest(receipt: Receipt) -> str:
    """Of the vendor's own id of the report, or else of all that it says."""
    told: list[object] = [receipt.provider_id, receipt.message_id, receipt.kind, receipt.dispatch_id]
    told += [receipt.event_id] if receipt.event_id else [receipt.occurred_at, receipt.status, receipt.reason]
    digest = blake2b("\x1f".join(map(str, told)).encode("utf-8", "surrogatepass"), digest_size=16)
    if not receipt.event_id:
        digest.update(b"\x1f" + receipt.payload)
    return str(uuid.UUID(bytes=digest.digest()))


def _text(name: str, value: str) -> str:
    return bounded_text(value, LONGEST[name])


def _uuid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def _moment(told: dt.datetime | None) -> dt.datetime | None:
    """At the ends of the calendar another zone's clock is past them: what is stored there is never read again."""
    return told if told and dt.MINYEAR < told.year < dt.MAXYEAR else None


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None
