"""What the floor carries between its threads, and how it writes it as PostgreSQL text."""

from __future__ import annotations

import datetime as dt
import os

import msgspec


class Event(msgspec.Struct, gc=False):
    """Seed 000, campaign_triggers."""

    journey_name: str
    correlation_id: str
    trace_id: str
    triggered_at: dt.datetime
    contact_attributes: dict[str, str | int | float | bool | None]


class Answer(msgspec.Struct, gc=False, rename={"message_id": "messageId"}):
    """The gateway's."""

    message_id: str = ""
    status: str = ""
    error: str | None = None


class Fact(msgspec.Struct, gc=False):
    """Seed 000, communication_dispatch_events."""

    journey_name: str
    correlation_id: str
    trace_id: str
    channel: str
    status: str
    contact_tax_id: str
    triggered_at: str
    dispatched_at: str
    processing_time_ms: int
    provider_response: msgspec.Raw
    error_message: str | None = None


class Keyed(msgspec.Struct, gc=False):
    """An event with its ledger key; `attributes` as the JSON text that the row keeps."""

    key: str
    event: Event
    attributes: str
    digest: int


class Batch(msgspec.Struct, gc=False):
    """The face of a SendBatch row. `jobs` is emptied when it goes to the wire, so that no cycle outlives it."""

    id: str
    jobs: list[Job]
    left: int


class Job(msgspec.Struct, gc=False):
    """One dispatch on its way."""

    id: str
    event: Event
    tax_id: str
    body: bytes
    batch: Batch | None = None


class Sent(msgspec.Struct, gc=False):
    """What the wire answered. `began`, `ended`: seconds since 1970."""

    job: Job
    status: int
    body: bytes
    began: float
    ended: float


def array(texts: list[str]) -> str:
    """A PostgreSQL array of what needs no quotes, ids and numbers: far cheaper than adapting item by item."""
    return "{" + ",".join(texts) + "}"


def quoted(texts: list[str]) -> str:
    """A PostgreSQL array of texts without control characters (JSON has none): a column is escaped at once."""
    if not texts:
        return "{}"
    joined = "\x1f".join(texts).replace("\\", "\\\\").replace('"', '\\"').replace("\x1f", '","')
    return '{"' + joined + '"}'


def mint(moment: dt.datetime, count: int) -> list[str]:
    """UUIDv7s of one moment of the database's clock."""
    head = f"{int(moment.timestamp() * 1000):012x}"
    head = f"{head[:8]}-{head[8:]}-7"
    digits = os.urandom(10 * count).hex()
    return [f"{head}{d[:3]}-8{d[3:6]}-{d[6:18]}" for d in (digits[n : n + 20] for n in range(0, 20 * count, 20))]


def iso(moment: float) -> str:
    """Seconds since 1970 as the seed writes times: UTC with milliseconds and Z."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
