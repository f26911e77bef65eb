"""What comes in and what is wrong with it: one record of a topic, and one coded fault."""

from __future__ import annotations

import datetime as dt

import msgspec

Headers = list[tuple[str, bytes | None]]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a trigger topic, live or kept for a replay. `record_at` is Kafka's time, None where it has none."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Headers
    record_at: dt.datetime | None
    received_at: dt.datetime


class Fault(msgspec.Struct, frozen=True):
    """Why a record became nothing. `path` points into the event, as $.contact_attributes.first_name.

    The two names are what could still be read of the event, for a person who looks for it.
    """

    code: str
    path: str
    message: str
    tenant_id: int | None = None
    journey_name: str = ""
    correlation_id: str = ""
