"""A batch of consumed records: what each became, which positions it moves, and how it is cut in two."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from dispatching.planning import Plan
from dispatching.triggers import Trigger
from ingestion.positions import Move, Partition
from ingestion.records import Fault, Record
from ingestion.wording import cleaned

PLANNED, DUPLICATE, REJECTED = "planned", "duplicate", "rejected"
Counts = Counter[tuple[str, str]]
"""(outcome, code) → events; the code is "" unless rejected."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """A record and what decoding made of it."""

    record: Record
    decoded: Trigger | Fault


class Held(msgspec.Struct, frozen=True):
    """What this process knows of a partition that is its own: the epoch, and the stored position."""

    epoch: int
    next_offset: int


class Batch(msgspec.Struct, frozen=True):
    """Records in the order of their partitions."""

    items: Sequence[Item]
    received_at: dt.datetime

    @property
    def triggers(self) -> list[Trigger]:
        return [item.decoded for item in self.items if isinstance(item.decoded, Trigger)]

    def halves(self) -> tuple[Batch, Batch]:
        middle = len(self.items) // 2
        return Batch(self.items[:middle], self.received_at), Batch(self.items[middle:], self.received_at)

    def partitions(self) -> set[Partition]:
        return {(item.record.topic, item.record.partition) for item in self.items}

    def without(self, partitions: set[Partition]) -> Batch:
        kept = [item for item in self.items if (item.record.topic, item.record.partition) not in partitions]
        return Batch(kept, self.received_at)

    def moves(self, held: Mapping[Partition, Held]) -> list[Move]:
        """From the stored positions to the offsets after the last record of each partition."""
        ends = {(item.record.topic, item.record.partition): item.record.offset + 1 for item in self.items}
        return [
            Move(topic, partition, held[topic, partition].epoch, held[topic, partition].next_offset, end)
            for (topic, partition), end in ends.items()
        ]

    def rejected(self, plan: Plan) -> list[tuple[Record, Fault]]:
        """Everything that became nothing: what did not decode, and what the planner refused."""
        faulty = [(item.record, item.decoded) for item in self.items if isinstance(item.decoded, Fault)]
        planned = [item for item in self.items if isinstance(item.decoded, Trigger)]
        return faulty + [
            (
                planned[refusal.index].record,
                fault_of(planned[refusal.index].decoded, refusal.code, refusal.path, refusal.message),
            )
            for refusal in plan.rejections
        ]

    def counts(self, plan: Plan) -> Counts:
        counts: Counts = Counter()
        for _record, fault in self.rejected(plan):
            counts[REJECTED, fault.code] += 1
        counts[DUPLICATE, ""] += len(plan.duplicates)
        counts[PLANNED, ""] += len(self.items) - sum(counts.values())
        return +counts


def fault_of(decoded: Trigger | Fault, code: str, path: str, message: str) -> Fault:
    """The fault of an event that decoded (or did not), with its names."""
    return Fault(
        code=code,
        path=cleaned(path, 300),
        message=cleaned(message, 1000),
        tenant_id=decoded.tenant_id,
        journey_name=decoded.journey_name,
        correlation_id=decoded.correlation_id,
    )


def summary_of(counts: Counts) -> str:
    """One line for a person: 12 events: planned 9, duplicate 1, rejected 2 (MALFORMED_JSON 1, UNKNOWN_JOURNEY 1)."""
    codes = {code: count for (outcome, code), count in sorted(counts.items()) if outcome == REJECTED}
    text = f"{counts.total()} events: planned {counts[PLANNED, '']}, duplicate {counts[DUPLICATE, '']}"
    text += f", rejected {sum(codes.values())}"
    return f"{text} ({', '.join(f'{code} {count}' for code, count in codes.items())})" if codes else text
