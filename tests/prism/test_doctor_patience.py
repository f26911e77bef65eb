"""A coordinator that moves for a moment is no finding; one that stays away is."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ingestion.models import ConsumerPosition
from ingestion.witness import KafkaView
from prism.doctor import positions


@pytest.fixture(autouse=True)
def a_position(settings: Any, db: None) -> None:
    ConsumerPosition.objects.create(
        consumer_group=settings.KAFKA_CONSUMER_GROUP, topic="t", partition=0, epoch=1, next_offset=0
    )


def test_a_coordinator_that_is_still_loading_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def loading_at_first(*_arguments: object) -> dict[tuple[str, int], KafkaView]:
        asked.append(None)
        if len(asked) < 3:
            raise KafkaException(KafkaError(KafkaError.NOT_COORDINATOR))
        return {("t", 0): KafkaView(None, 0, 0)}

    monkeypatch.setattr(positions, "views_of", loading_at_first)
    assert list(positions.positions_hold()) == []
    assert len(asked) == 3


def test_one_that_stays_away_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: object) -> dict[tuple[str, int], KafkaView]:
        raise KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE))

    monkeypatch.setattr(positions, "LIMIT_S", 0.3)
    monkeypatch.setattr(positions, "views_of", away)
    assert len(list(positions.positions_hold())) == 1
