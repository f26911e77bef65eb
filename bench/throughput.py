"""One round of SYNC throughput: events wait in Kafka, workers start, and the clock stops at the last fact."""

from __future__ import annotations

from dataclasses import dataclass

from bench import databases, events, topics
from bench.laboratory import Bench, Laboratory, SideName
from bench.processes import BenchError, Process, stopping

STALLED = 20.0


@dataclass(frozen=True)
class Round:
    """`seconds` from the first plan (database clock) to the last fact (broker's timestamp)."""

    events: int
    seconds: float
    wal_bytes: float
    peak_mb: float | None

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def measure(laboratory: Laboratory, side: SideName, count: int, workers: int = 1) -> Round:
    """`count` events through `workers` processes of one side. Raises BenchError where the counts do not reconcile."""
    with laboratory.bench() as bench:
        topics.fill(bench.bootstrap, bench.triggers, events.encoded(count))
        accepted, wal = laboratory.accepted(), databases.wal_position(bench.connection)
        consumers = [bench.start(side, "consumer") for _ in range(workers)]
        processes = [*consumers, bench.start(side, "relay")]
        with stopping(processes):
            watch(bench, count, processes)
            written = databases.wal_position(bench.connection) - wal
            peaks = [peak for process in consumers if (peak := process.peak_mb())]
        reconcile(bench, count, laboratory.accepted() - accepted)
        facts = topics.count_facts(bench.bootstrap, bench.facts)
        if facts.distinct != count or facts.statuses != {"SENT": facts.facts}:
            raise BenchError(f"{side}: {count} events became {facts.distinct} facts: {facts.statuses}")
        begun = bench.connection.execute(
            "SELECT extract(epoch FROM min(created_at))::float8 FROM dispatches"
        ).fetchone()
        assert begun
        return Round(count, facts.last - begun[0], written / count, max(peaks, default=None))


def watch(bench: Bench, wanted: int, processes: list[Process]) -> None:
    """Until all facts are in Kafka; the watching costs a few small requests each quarter of a second."""
    watermark = topics.Watermark(bench.bootstrap, bench.facts)

    def alive() -> None:
        for process in processes:
            process.check()

    try:
        watermark.wait(
            wanted, STALLED, lambda now: bench.laboratory.tell(f"  {now:,} of {wanted:,} facts"), alive=alive
        )
    except TimeoutError as error:
        raise BenchError(f"{error}; see {bench.laboratory.logs}") from None
    finally:
        watermark.close()


def reconcile(bench: Bench, count: int, accepted: int) -> None:
    """Vendor, rows and outbox tell the same count as the facts."""
    row = bench.connection.execute(
        "SELECT (SELECT count(*) FROM dispatches WHERE status = 'SENT'), (SELECT count(*) FROM outbox_events)"
    ).fetchone()
    if row != (count, 0) or accepted != count:
        raise BenchError(f"{count} events: the vendor accepted {accepted}, (rows sent, facts waiting) are {row}")
