"""A partition that cannot answer for a moment is asked again; one that stays silent is told in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from prism import offsets


class Elections:
    """An admin client whose partitions have no leader for the first requests."""

    def __init__(self, real: Any, failures: int) -> None:
        self.real = real
        self.failures = failures
        self.asked = 0

    def list_offsets(self, wanted: dict[Any, Any], **options: Any) -> dict[Any, Any]:
        self.asked += 1
        if self.asked > self.failures:
            futures: dict[Any, Any] = self.real.list_offsets(wanted, **options)
            return futures
        answers = {partition: Future[Any]() for partition in wanted}
        for future in answers.values():
            future.set_exception(KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE)))
        return answers


@pytest.fixture
def elect(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Elections]:
    def make(failures: int) -> Elections:
        elections = Elections(offsets.admin_client(), failures)
        monkeypatch.setattr(offsets, "admin_client", lambda: elections)
        return elections

    return make


def test_an_election_is_waited_for(elect: Callable[[int], Elections], topic: Callable[..., str]) -> None:
    name = topic("offsets", partitions=2)
    elections = elect(2)
    assert offsets.end_offsets([(name, 0), (name, 1), ("gone", 0)]) == {(name, 0): 0, (name, 1): 0}
    assert elections.asked == 3


def test_one_that_never_ends_is_told(elect: Callable[[int], Elections], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "LIMIT_S", 0.3)
    elections = elect(1000)
    with pytest.raises(offsets.OffsetsUnavailableError):
        offsets.end_offsets([("any", 0)])
    assert elections.asked < 10
