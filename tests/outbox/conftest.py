"""A topic for facts, a connection that commits, and relays. What needs Django is imported when it is set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pytest_django.fixtures import Settings

if TYPE_CHECKING:
    from tests.outbox.relays import RunningRelay


@pytest.fixture
def connection(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    from tenants.database import connect

    with connect("prism-test") as opened:
        yield opened


@pytest.fixture
def facts_topic(topic: Callable[..., str], settings: Settings) -> str:
    name = topic("facts", partitions=3)
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = name
    return name


@pytest.fixture
def running_relay(transactional_db: None) -> Iterator[Callable[..., RunningRelay]]:
    from outbox.relay import Options
    from tests.outbox.relays import RunningRelay

    started: list[RunningRelay] = []

    def start(*, lease: float = 3, rows: int = 1000) -> RunningRelay:
        started.append(RunningRelay(Options(lease_seconds=lease, rows=rows)))
        return started[-1]

    yield start
    for relay in started:
        relay.stop()
