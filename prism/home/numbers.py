"""What is read for the home page, as plain values."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable

import msgspec


class Count(msgspec.Struct, frozen=True):
    """Changes into a status within the hour that begins at `hour` (UTC)."""

    hour: dt.datetime
    status: str
    campaign_id: uuid.UUID | None
    provider_id: uuid.UUID | None
    n: int


class Failure(msgspec.Struct, frozen=True):
    """Dispatches of the recent past that stand at FAILED."""

    provider_id: uuid.UUID | None
    reason: str
    n: int


class Trouble(msgspec.Struct, frozen=True):
    """A provider that is left alone, paused or held back at this moment, in words."""

    provider_id: uuid.UUID
    name: str
    label: str
    why: str
    then: str


class Lag(msgspec.Struct, frozen=True):
    """Records of Kafka that wait behind the positions, and when that was asked."""

    records: int
    asked_at: dt.datetime


class Operation(msgspec.Struct, frozen=True):
    """What operators see. `lag`: None while Kafka has not answered (yet). `stopped`: partitions with an alarm. From
    `deep` on, and of `overdue` from `counted` on, there may be more."""

    due: int
    waiting: int
    oldest_due_at: dt.datetime | None
    outbox: int
    outbox_oldest_at: dt.datetime | None
    overdue: int
    workers: dict[str, int]
    partitions: int
    stopped: int
    lag: Lag | None
    deep: int
    counted: int


class Numbers(msgspec.Struct, frozen=True):
    """Everything that is read for the page. `counts` reach back to local midnight, or to `recent_since` before it."""

    now: dt.datetime
    midnight: dt.datetime
    recent_since: dt.datetime
    counts: tuple[Count, ...]
    failures: tuple[Failure, ...]
    campaigns: dict[uuid.UUID, str]
    providers: dict[uuid.UUID, str]
    unknown: int
    rejected: int
    operation: Operation | None = None
    troubles: tuple[Trouble, ...] = ()


def by_status(counts: Iterable[Count]) -> Counter[str]:
    found: Counter[str] = Counter()
    for count in counts:
        found[count.status] += count.n
    return found


def success_rate(sent: int, failed: int) -> float | None:
    """Contract: sent / (sent + failed), in percent."""
    return 100 * sent / (sent + failed) if sent + failed else None


def share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
