"""Draining what is due: scheduled dispatches, planned by Prism itself, all become due at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from bench import databases, events, topics
from bench.laboratory import Bench, Laboratory
from bench.processes import BenchError, stopping
from bench.throughput import STALLED, Round, reconcile, watch

# Whatever the calendar said, it is time now.
DUE = """
UPDATE due_dispatches SET due_at = now() - interval '1 minute', not_after = now() + interval '1 day'"""
SCHEDULED = "UPDATE dispatches SET scheduled_for = now() - interval '1 minute', not_after = now() + interval '1 day'"


@contextlib.contextmanager
def prepared(laboratory: Laboratory, count: int) -> Iterator[str]:
    """A template database in which `count` dispatches are due. Not measured."""
    name = f"{databases.PREFIX}{laboratory.run}_due"
    with laboratory.bench() as bench:
        topics.fill(bench.bootstrap, bench.triggers, events.encoded(count, journey=events.SCHEDULED_JOURNEY))
        consumer = bench.start("prism", "consumer")
        with stopping([consumer]):
            _wait_until_planned(bench, count, consumer.check)
        bench.connection.execute(DUE)
        bench.connection.execute(SCHEDULED)
        bench.connection.execute("VACUUM (ANALYZE) due_dispatches")
        bench.connection.close()
        databases.create(laboratory.services, name, bench.name)
    try:
        yield name
    finally:
        databases.drop(laboratory.services, name)


def _wait_until_planned(bench: Bench, count: int, alive: Callable[[], None]) -> None:
    seen, since = -1, time.monotonic()
    while True:
        alive()
        row = bench.connection.execute("SELECT count(*) FROM due_dispatches").fetchone()
        now = int(row[0]) if row else 0
        if now >= count:
            return
        if now != seen:
            seen, since = now, time.monotonic()
            bench.laboratory.tell(f"  {now:,} of {count:,} scheduled")
        elif time.monotonic() - since > STALLED:
            raise BenchError(f"planning stays at {now} of {count} scheduled dispatches; see {bench.laboratory.logs}")
        time.sleep(0.5)


def measure(laboratory: Laboratory, template: str, count: int) -> Round:
    """One sender and one relay. `seconds` from the first message sent (worker's clock) to the last fact (broker's)."""
    with laboratory.bench(template) as bench:
        accepted, wal = laboratory.accepted(), databases.wal_position(bench.connection)
        sender = bench.start("prism", "sender")
        processes = [sender, bench.start("prism", "relay")]
        with stopping(processes):
            watch(bench, count, processes)
            written, peak = databases.wal_position(bench.connection) - wal, sender.peak_mb()
        reconcile(bench, count, laboratory.accepted() - accepted)
        facts = topics.count_facts(bench.bootstrap, bench.facts)
        if facts.distinct != count:
            raise BenchError(f"{count} due dispatches became {facts.distinct} facts")
        begun = bench.connection.execute(
            "SELECT extract(epoch FROM min(dispatched_at))::float8 FROM dispatches"
        ).fetchone()
        assert begun
        return Round(count, facts.last - begun[0], written / count, peak)
