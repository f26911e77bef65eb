"""From a record's bytes to a Trigger, or to one coded fault. Pure.

What a COPY or jsonb would abort on is refused here, by name, so that a batch never fails for one event (decision 6).
Liberal where it costs nothing: unknown fields are ignored, the last of doubled keys counts (as in jsonb), a byte order
mark is passed over, a time without zone is UTC, no time is Kafka's time, a null is a field that is not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from hashlib import blake2b

import msgspec
from django.utils.translation import gettext as _

from dispatching.triggers import Trigger, ledger_key
from ingestion import reasons
from ingestion.diagnosing import diagnose, holds_nul
from ingestion.records import Fault, Record
from ingestion.schema import check_seed_attributes, decode_attributes, decode_event, is_known_year

SOURCE = "triggers"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUL_ESCAPE = b"\\u0000"
# PostgreSQL's numeric ends after 16,383 decimals; without an exponent no shorter text can get there.
_SAFE_LENGTH = 16_000
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789E", b"000000000e")
_canonical = msgspec.json.Encoder(order="sorted").encode


class Decoder(msgspec.Struct, frozen=True):
    """`tenant_of` gives a tenant's id, or the fault why there is none. Older than `retention` is stale (decision 4)."""

    tenant_of: Callable[[Record], int | Fault]
    max_bytes: int
    retention: dt.timedelta

    def decode(self, record: Record) -> Trigger | Fault:
        """Never raises, whatever the bytes."""
        tenant_id = self.tenant_of(record)
        if isinstance(tenant_id, Fault):
            return _named(tenant_id, None, decode(record, 0, self.max_bytes))
        decoded = decode(record, tenant_id, self.max_bytes)
        if record.record_at is not None and record.received_at - record.record_at > self.retention:
            return _named(_stale(record.record_at, self.retention), tenant_id, decoded)
        return decoded


def decode(record: Record, tenant_id: int, max_bytes: int) -> Trigger | Fault:
    """One event of this tenant. The common case stays in C; a fault is looked at again, slowly, for its exact place."""
    value = record.value
    if not value or len(value) > max_bytes:
        return diagnose(value, tenant_id, max_bytes)
    if value.startswith(_BYTE_ORDER_MARK):
        value = value[3:]
    try:
        value.decode()
        event = decode_event(value)
        raw = bytes(event.contact_attributes)
        attributes = decode_attributes(raw)
        check_seed_attributes(raw)
        triggered_at = _utc(event.triggered_at or record.record_at or record.received_at)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return diagnose(value, tenant_id, max_bytes)
    if b"\\" in value and _NUL_ESCAPE in value and holds_nul(event, attributes):
        return diagnose(value, tenant_id, max_bytes)
    canonical = _canonical(attributes)
    return Trigger(
        tenant_id=tenant_id,
        source=SOURCE,
        key=ledger_key(tenant_id, SOURCE, event.correlation_id),
        journey_name=event.journey_name,
        correlation_id=event.correlation_id,
        trace_id=event.trace_id or "",
        triggered_at=triggered_at,
        received_at=record.received_at,
        attributes=attributes,
        attributes_json=(raw if _is_safe(raw) else canonical).decode(),
        payload_digest=payload_digest(event.journey_name, canonical),
    )


def payload_digest(journey_name: str, canonical: bytes) -> int:
    """64 signed bits of what the event asks for: the journey, and the attributes with sorted keys and no spaces."""
    digest = blake2b(journey_name.encode() + b"\0" + canonical, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _is_safe(raw: bytes) -> bool:
    """Whether jsonb takes the producer's own text, which keeps 50000.00 as it is.

    Not where a doubled key hides a NUL, nor where an exponent or a very long fraction may overflow numeric.
    """
    if len(raw) > _SAFE_LENGTH or (b"\\" in raw and _NUL_ESCAPE in raw):
        return False
    return b"0e" not in raw.translate(_DIGITS_AS_ZERO)


def _utc(moment: dt.datetime) -> dt.datetime:
    """In UTC; raises ValueError outside the years that every part of the system can hold."""
    if not is_known_year(moment):
        raise ValueError(moment)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC)
    return moment if moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC)


def _stale(record_at: dt.datetime, retention: dt.timedelta) -> Fault:
    message = _("Kafka's record time is %(time)s, which is more than %(days)d days ago.")
    return Fault(reasons.STALE, "$", message % {"time": record_at.isoformat(), "days": retention.days})


def _named(fault: Fault, tenant_id: int | None, decoded: Trigger | Fault) -> Fault:
    return msgspec.structs.replace(
        fault, tenant_id=tenant_id, journey_name=decoded.journey_name, correlation_id=decoded.correlation_id
    )
