"""Open-loop latency: events at a fixed rate whatever the answer, from the broker's timestamp of each trigger to that
of its fact (both LogAppendTime of one broker, so one clock and whole milliseconds)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import events, topics
from bench.laboratory import Bench, Laboratory, SideName
from bench.processes import BenchError, stopping
from bench.throughput import watch

WARM_UP = 200


def measure(laboratory: Laboratory, side: SideName, rate: int, seconds: float) -> list[float]:
    """Milliseconds of every event, sorted. The workers are warm before the first event that counts."""
    count = int(rate * seconds)
    with laboratory.bench() as bench:
        processes = [bench.start(side, "consumer"), bench.start(side, "relay")]
        with stopping(processes):
            topics.fill(bench.bootstrap, bench.triggers, events.encoded(WARM_UP))
            watch(bench, WARM_UP, processes)
            produce(bench, rate, events.encoded(count, WARM_UP))
            watch(bench, WARM_UP + count, processes)
        asked = topics.read_times(bench.bootstrap, bench.triggers)
        told = topics.count_facts(bench.bootstrap, bench.facts).by_correlation_id
        if asked.keys() != told.keys():
            raise BenchError(f"{side}: {len(asked)} triggers, facts of {len(told)}")
        # The broker's times order the events: the first ones were the warm-up.
        late = sorted(asked, key=asked.__getitem__)[WARM_UP:]
        return sorted((told[one] - asked[one]) * 1000 for one in late)


def produce(bench: Bench, rate: int, values: Iterator[bytes]) -> None:
    """Each event at its own moment, counted from the start: a slow answer never holds the next one back."""
    client = topics.producer(bench.bootstrap, linger_ms=1)
    begun = time.monotonic()
    for number, value in enumerate(values):
        wait = begun + number / rate - time.monotonic()
        if wait > 0:
            client.poll(wait)
        client.produce(bench.triggers, value, partition=number % events.PARTITIONS)
    client.flush(topics.TIMEOUT)


def percentile(values: list[float], share: float) -> float:
    """Of sorted values, the smallest one that `share` of them do not pass."""
    return values[min(len(values) - 1, max(0, -int(-share * len(values) // 1) - 1))]
