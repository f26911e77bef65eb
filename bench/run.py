"""`make bench`: floor and Prism in one run on one machine, alternating, medians of the rounds."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import by_vendor, databases, drain, latency, pages, statement_count, throughput
from bench.laboratory import Laboratory, SideName, open_laboratory
from bench.processes import BenchError
from bench.report import Report, row
from bench.throughput import Round
from prism.embedded import EmbeddedError

CHECKOUT = Path(__file__).resolve().parents[1]
SIDES: tuple[SideName, SideName] = ("floor", "prism")
RATE = 500


@dataclass(frozen=True)
class Size:
    """How much is measured. `seconds`: what a throughput round should last."""

    rounds: int
    seconds: float
    warm_up: int
    least: int
    latency_seconds: float
    statements: int
    history: int
    looks: int
    sending_seconds: float


FULL = Size(
    rounds=3,
    seconds=13.0,
    warm_up=8_000,
    least=10_000,
    latency_seconds=25.0,
    statements=10_000,
    history=1_000_000,
    looks=40,
    sending_seconds=2.0,
)
# For tests of the benchmark itself: every row, none of them worth believing.
QUICK = Size(
    rounds=1,
    seconds=0.1,
    warm_up=500,
    least=1_000,
    latency_seconds=2.0,
    statements=500,
    history=2_000,
    looks=2,
    sending_seconds=0.1,
)


class Run:
    def __init__(self, laboratory: Laboratory, report: Report, size: Size, console: Console) -> None:
        self.laboratory, self.report, self.size, self.console = laboratory, report, size, console
        self.counts: dict[SideName, int] = {}
        self.fastest = 0.0

    def everything(self) -> None:
        self.warm_up()
        self.sync(1)
        self.sync(2)
        self.drain()
        self.latency()
        self.statements()
        self.sending()
        self.pages()

    def warm_up(self) -> None:
        """Warms the broker's compiler and tells how many events fill a round."""
        for side in SIDES:
            with self.step(f"Warm-up: {side}"):
                rate = throughput.measure(self.laboratory, side, self.size.warm_up).rate
                self.counts[side] = max(self.size.least, int(rate * self.size.seconds * 1.2))

    def sync(self, workers: int) -> None:
        rounds: dict[SideName, list[Round]] = {side: [] for side in SIDES}
        for number in range(self.size.rounds):
            for side in SIDES:
                with self.step(f"SYNC, {workers} worker(s), round {number + 1}: {side}"):
                    done = throughput.measure(self.laboratory, side, self.counts[side], workers)
                    self.console.print(f"  {done.rate:,.0f} events/s over {done.seconds:.1f} s")
                    rounds[side].append(done)
        rates = {side: [done.rate for done in rounds[side]] for side in SIDES}
        self.fastest = max(self.fastest, *rates["prism"])
        self.counts = {side: max(self.size.least, int(max(rates[side]) * self.size.seconds)) for side in SIDES}
        name = "sync_throughput" if workers == 1 else f"sync_throughput_{workers}_workers"
        self.report.add(row(name, "events/s", rates["prism"], rates["floor"]))
        if workers == 1:
            self.by_the_way(rounds)

    def by_the_way(self, rounds: dict[SideName, list[Round]]) -> None:
        """What the rounds with one worker tell beside their rate."""
        wal = {side: [done.wal_bytes for done in rounds[side]] for side in SIDES}
        self.report.add(row("wal_bytes_per_event", "bytes", wal["prism"], wal["floor"]))
        peaks = {side: [done.peak_mb for done in rounds[side] if done.peak_mb] for side in SIDES}
        if peaks["prism"]:
            self.report.add(row("worker_peak_mb", "MiB", peaks["prism"], peaks["floor"], digits=1))

    def drain(self) -> None:
        # Draining is quicker than planning and sending: nothing is decoded or decided any more.
        count = max(self.size.least, int(1.5 * self.fastest * self.size.seconds))
        self.console.print(f"Scheduling {count:,} dispatches")
        rates = []
        with drain.prepared(self.laboratory, count) as template:
            for number in range(self.size.rounds):
                with self.step(f"ASYNC drain, round {number + 1}"):
                    done = drain.measure(self.laboratory, template, count)
                    self.console.print(f"  {done.rate:,.0f} dispatches/s over {done.seconds:.1f} s")
                    rates.append(done.rate)
        self.report.add(row("async_drain", "dispatches/s", rates))

    def latency(self) -> None:
        found = {}
        for side in SIDES:
            with self.step(f"Latency at {RATE} events/s, open loop: {side}"):
                found[side] = latency.measure(self.laboratory, side, RATE, self.size.latency_seconds)
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            values = {side: [latency.percentile(found[side], share)] for side in SIDES}
            self.report.add(row(f"sync_{name}_ms_at_{RATE}", "ms", values["prism"], values["floor"], digits=1))

    def statements(self) -> None:
        counts = {}
        for side in SIDES:
            with self.step(f"Counting statements: {side}"):
                counts[side] = [statement_count.measure(self.laboratory, side, self.size.statements)]
        self.report.add(row("sql_statements_per_event", "statements", counts["prism"], counts["floor"], digits=3))

    def pages(self) -> None:
        with self.step(f"Pages over {self.size.history:,} dispatches"):
            for page in pages.measure(self.laboratory, self.size.history, self.size.looks):
                self.report.add(row(f"page_{page.name}_p95_ms", "ms", [page.p95_ms], digits=1))
                self.report.add(row(f"page_{page.name}_statements", "statements", [page.statements]))

    def sending(self) -> None:
        with self.step("Messages of each vendor through the simulator"):
            show_sending(self.report, self.console, self.size.sending_seconds)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self.console.print(title)
        begun = time.monotonic()
        yield
        self.console.print(f"  [dim]{time.monotonic() - begun:.0f} s[/dim]")


def show_sending(report: Report, console: Console, seconds: float) -> None:
    """A row per vendor; where it takes several messages in one request, what that gains."""
    alone = 1.0
    for rate in by_vendor.measure(seconds):
        console.print(f"  {rate.vendor} by {rate.batch}: {rate.per_second:,.0f} messages/s")
        if rate.batch == 1:
            alone = rate.per_second
            report.add(row(f"send_{rate.vendor}", "messages/s", [alone]))
        else:
            report.add(row(f"send_{rate.vendor}_by_{rate.batch}", "messages/s", [rate.per_second]))
            gain = rate.per_second / alone
            report.add(row(f"gain_{rate.vendor}_by_{rate.batch}", "times", [gain], digits=1))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one tiny round of everything: proves the benchmark, not Prism"
    )
    parser.add_argument("--only-pages", action="store_true", help="the pages people open, over a long history")
    parser.add_argument("--only-sending", action="store_true", help="messages of each vendor through the simulator")
    parser.add_argument("--root", type=Path, default=CHECKOUT / ".local" / "bench", help="its own PostgreSQL and Kafka")
    parser.add_argument("--output", type=Path, default=CHECKOUT / ".local" / "bench.jsonl")
    options = parser.parse_args()
    console = Console()
    # A supervisor's stop cleans up like a person's.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.only_sending:
            report = Report(options.output)
            show_sending(report, console, (QUICK if options.quick else FULL).sending_seconds)
            report.show(console)
            return 0
        with open_laboratory(options.root, console.print) as laboratory:
            settings = databases.settings(laboratory.services)
            console.print("PostgreSQL: " + ", ".join(f"{name} = {value}" for name, value in settings.items()))
            report = Report(options.output)
            run = Run(laboratory, report, QUICK if options.quick else FULL, console)
            run.pages() if options.only_pages else run.everything()
            report.show(console)
            console.print(f"Written to {options.output}")
    except (BenchError, EmbeddedError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was measured is in the output file.", file=sys.stderr)
        return 130
    return 0
