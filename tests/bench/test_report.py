"""What is told of a run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench.latency import percentile
from bench.report import Report, row


def test_a_row_tells_medians_and_their_ratio() -> None:
    told = row("sync_throughput", "events/s", [3000.0, 5000.0, 1000.0], [6000.0, 5000.0, 9000.0])
    assert (told.value, told.floor, told.ratio) == (3000, 6000, 0.5)


def test_each_row_is_one_line_of_json_without_what_it_does_not_have(tmp_path: Path) -> None:
    report = Report(tmp_path / "deep" / "bench.jsonl")
    report.add(row("async_drain", "dispatches/s", [4000.4]))
    report.add(row("wal_bytes_per_event", "bytes", [3000.0], [2000.0]))
    lines = [msgspec.json.decode(line) for line in report.path.read_bytes().splitlines()]
    assert lines == [
        {"name": "async_drain", "value": 4000, "unit": "dispatches/s"},
        {"name": "wal_bytes_per_event", "value": 3000, "unit": "bytes", "floor": 2000, "ratio": 1.5},
    ]


def test_a_new_report_starts_empty(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text("of another run")
    Report(path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_pass(share: float, value: int) -> None:
    assert percentile([float(number) for number in range(1, 101)], share) == value
