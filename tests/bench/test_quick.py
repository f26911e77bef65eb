"""The whole benchmark at its smallest: floor and Prism, real PostgreSQL and Kafka, counts that must reconcile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from bench.report import Row
from prism.embedded.services import CHECKOUT, TEST_ROOT
from providers.registry import TRANSPORTS
from tests.providers.declarations import SENDS_NOTHING

WITH_FLOOR = {
    "sync_throughput",
    "sync_throughput_2_workers",
    "sync_p50_ms_at_500",
    "sync_p99_ms_at_500",
    "worker_peak_mb",
    "sql_statements_per_event",
    "wal_bytes_per_event",
}


def test_a_quick_run_tells_every_row(tmp_path: Path) -> None:
    output = tmp_path / "bench.jsonl"
    command = [sys.executable, "-m", "bench", "--quick", "--root", str(TEST_ROOT), "--output", str(output)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {row.name: row for line in output.read_bytes().splitlines() for row in [msgspec.json.decode(line, type=Row)]}
    pages = {name for name in rows if name.startswith("page_")}
    sends = {name for name in rows if name.startswith(("send_", "gain_"))}
    assert {f"send_{vendor}" for vendor in set(TRANSPORTS) - SENDS_NOTHING} <= sends
    assert {"send_expo_by_100", "gain_expo_by_100", "gain_sendgrid_by_1000"} <= sends
    assert rows.keys() - pages - sends == WITH_FLOOR | {"async_drain"}
    assert {"page_dispatches_p95_ms", "page_dispatches_statements", "page_home_p95_ms"} <= pages
    assert all(row.value > 0 for row in rows.values())
    assert {name for name, row in rows.items() if row.floor and row.ratio} == WITH_FLOOR
    assert "synchronous_commit = on" in done.stdout
