"""What a door hands to planning: one decoded event, and the answer to one that became nothing."""

from __future__ import annotations

import datetime as dt
import uuid
from hashlib import blake2b
from typing import Any

import msgspec


class Trigger(msgspec.Struct, frozen=True, gc=False):
    """A decoded intention (seed 000, campaign_triggers). `source` is "triggers" for all trigger topics of a tenant."""

    tenant_id: int
    source: str
    key: uuid.UUID
    journey_name: str
    correlation_id: str
    trace_id: str
    triggered_at: dt.datetime
    received_at: dt.datetime
    attributes: dict[str, Any]
    attributes_json: str
    payload_digest: int


class Rejection(msgspec.Struct, frozen=True):
    """Why the trigger at `index` of the batch became no dispatch. `path` points into the event, as $.journey_name."""

    index: int
    code: str
    path: str
    message: str


def ledger_key(tenant_id: int, source: str, correlation_id: str) -> uuid.UUID:
    """The 16 bytes that decide whether an event is new (decision 4)."""
    text = f"{tenant_id}\x1f{source}\x1f{correlation_id}"
    return uuid.UUID(bytes=blake2b(text.encode(), digest_size=16).digest())
