"""Stages for the tests of consuming. Imports wait for the fixtures: pytest reads this file before Django is set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

if TYPE_CHECKING:
    import psycopg

    from tests.ingestion.planners import LedgerPlanner
    from tests.ingestion.stage import Stage


@pytest.fixture
def planner() -> LedgerPlanner:
    from tests.ingestion.planners import LedgerPlanner

    return LedgerPlanner()


@pytest.fixture
def make_stage(
    transactional_db: None,
    settings: Settings,
    kafka_bootstrap: str,
    topic: Callable[..., str],
    group: Callable[[str], str],
) -> Iterator[Callable[..., Stage]]:
    from tests.ingestion.stage import Stage

    made: list[Stage] = []

    def make(*, partitions: int = 1) -> Stage:
        stage = Stage(kafka_bootstrap, topic("triggers", partitions=partitions), group("consumers"))
        settings.KAFKA_BOOTSTRAP_SERVERS = kafka_bootstrap
        settings.KAFKA_TRIGGERS_TOPIC = stage.topic
        settings.KAFKA_CONSUMER_GROUP = stage.group
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.end()


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()


@pytest.fixture
def connection(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A worker's connection to the test database."""
    from dispatching.database import connect

    with connect("prism:test") as opened:
        yield opened
