"""How many events wait in Kafka, as the home page tells it: never waited for, and not told from hearsay for long."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from django.conf import settings

from prism import offsets
from prism.home import lag
from prism.home.lag import EndsKeeper, lag_behind
from prism.home.numbers import Lag

NOW = dt.datetime(2026, 3, 10, 14, 20, tzinfo=dt.UTC)


def told(keeper: EndsKeeper, positions: list[tuple[tuple[str, int], int]]) -> Lag:
    """Looked at again until Kafka has answered."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = lag_behind(positions, NOW, keeper=keeper)
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("Kafka did not answer")


def test_records_behind_the_positions_are_counted(topic: Callable[..., str], kafka_bootstrap: str) -> None:
    name = topic("lag", partitions=2)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    for _ in range(5):
        producer.produce(name, b"{}", partition=0)
    assert producer.flush(20) == 0
    assert told(EndsKeeper(), [((name, 0), 2), ((name, 1), 0), (("gone", 0), 7)]) == Lag(3, NOW)


def test_a_page_never_waits_for_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(offsets, "LIMIT_S", 1.0)
    keeper = EndsKeeper()
    began = time.monotonic()
    assert lag_behind([(("any", 0), 0)], NOW, keeper=keeper) is None
    assert time.monotonic() - began < 0.2
    keeper.wait()
    assert lag_behind([(("any", 0), 0)], NOW, keeper=keeper) is None


def test_what_was_told_long_ago_is_told_no_more(topic: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    positions = [((topic("lag"), 0), 0)]
    keeper = EndsKeeper()
    assert told(keeper, positions).records == 0
    monkeypatch.setattr(lag, "FORGOTTEN_AFTER_S", 0.0)
    assert lag_behind(positions, NOW, keeper=keeper) is None


def test_without_positions_nobody_is_asked() -> None:
    keeper = EndsKeeper()
    assert lag_behind([], NOW, keeper=keeper) is None
    keeper.wait()
    assert lag_behind([], NOW, keeper=keeper) is None
