"""What a relay has under way, shard by shard: pure bookkeeping, no database and no Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from outbox.waiting import Fact


@dataclass
class ShardProgress:
    """`open` holds the ids handed over and not yet acknowledged; `floor` is the id up to which
    everything was handed over and nothing can appear any more.

    Reading past `floor` spares the index entries of deleted rows, of which there are many while an old transaction
    keeps vacuum off. A parked fact that was put back lies below, so now and then the shard is read from the start.
    """

    open: set[int] = field(default_factory=set)
    unwritten: int = 0
    floor: int = 0
    swept_at: float = 0.0
    suspects: set[int] = field(default_factory=set)
    oldest_made_at: float = 0.0

    @property
    def is_idle(self) -> bool:
        return not self.open and not self.unwritten

    def start_over(self) -> None:
        """A shard that was taken: where it stands is not known here."""
        self.floor, self.swept_at = 0, 0.0
        self.suspects.clear()

    def next_batch(self, facts: list[Fact]) -> tuple[list[Fact], bool]:
        """The part of a read to hand over now, and whether it is a suspect that goes alone."""
        first = next((index for index, fact in enumerate(facts) if fact.id in self.suspects), None)
        if first is None:
            return facts, False
        return (facts[:first], False) if first else (facts[:1], True)


class Progress:
    """All shards of one relay, and the answers that the database does not know of yet."""

    def __init__(self) -> None:
        self.shards: dict[int, ShardProgress] = {}
        self.acknowledged: list[Fact] = []
        self.refused: list[tuple[Fact, str]] = []

    def of(self, shard: int) -> ShardProgress:
        return self.shards.setdefault(shard, ShardProgress())

    def busy(self) -> set[int]:
        return {shard for shard, progress in self.shards.items() if not progress.is_idle}

    def open_shards(self) -> set[int]:
        return {shard for shard, progress in self.shards.items() if progress.open}

    def under_way(self) -> int:
        return sum(len(progress.open) for progress in self.shards.values())

    def hand_over(self, fact: Fact) -> None:
        self.of(fact.shard).open.add(fact.id)

    def acknowledge(self, fact: Fact) -> None:
        """Kafka has it, so the row may go, whoever holds the shard by now."""
        progress = self.of(fact.shard)
        progress.open.discard(fact.id)
        progress.suspects.discard(fact.id)
        progress.unwritten += 1
        self.acknowledged.append(fact)

    def refuse(self, fact: Fact, problem: str) -> None:
        progress = self.of(fact.shard)
        progress.open.discard(fact.id)
        progress.suspects.discard(fact.id)
        progress.unwritten += 1
        self.refused.append((fact, problem))

    def suspect(self, facts: Iterable[Fact]) -> None:
        """Refused as members of a batch: which of them is to blame shows when each is sent alone."""
        for fact in facts:
            self.of(fact.shard).suspects.add(fact.id)

    def forget_open(self) -> None:
        """What was under way when the producer was given up: to be read again, from the start."""
        for progress in self.shards.values():
            if progress.open:
                progress.open.clear()
                progress.floor = 0

    def forget_floors(self) -> None:
        """Read every shard from its start again: what is known of its ids may be of another state of the database."""
        for progress in self.shards.values():
            progress.floor = 0

    def written(self, facts: Iterable[Fact]) -> None:
        """The database knows: these rows are deleted or parked."""
        for fact in facts:
            self.of(fact.shard).unwritten -= 1

    def finished_shards(self) -> set[int]:
        """Shards whose every fact is settled, and waits only for the database to be told."""
        return {shard for shard, progress in self.shards.items() if progress.unwritten and not progress.open}
