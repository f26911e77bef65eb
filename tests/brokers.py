"""Kafka for tests: the shared broker, and topics and groups that belong to one test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from prism.embedded import ensure_topics
from tests import session

PREFIX = "test."
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    return os.environ["KAFKA_BOOTSTRAP_SERVERS"]


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[Callable[..., str]]:
    """Makes topics of this test: `topic("triggers", partitions=2)` returns the unique name."""
    made: list[str] = []

    def make(purpose: str = "events", *, partitions: int = 1) -> str:
        name = _unique(purpose)
        ensure_topics(kafka_bootstrap, {name: partitions})
        made.append(name)
        return name

    yield make
    _delete(kafka_bootstrap, made)


@pytest.fixture
def group() -> Callable[[str], str]:
    """Names of consumer groups that no other test uses."""
    return _unique


def drop_topics_of_dead_runs(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Topics left by runs that were killed."""
    bootstrap = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    present = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=30).topics
    ours = [name for name in present if name.startswith(PREFIX)]
    dead = {run for run in {name.split(".")[1] for name in ours} if session.is_dead(connection, run)}
    _delete(bootstrap, [name for name in ours if name.split(".")[1] in dead])


def _unique(purpose: str = "events") -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return f"{PREFIX}{os.environ[session.RUN]}.{worker}.{next(_numbers)}.{purpose}"


def _delete(bootstrap: str, names: list[str]) -> None:
    if not names:
        return
    client = AdminClient({"bootstrap.servers": bootstrap})
    for name, done in client.delete_topics(names, operation_timeout=30).items():
        try:
            done.result(30)
        except KafkaException as error:
            if "UNKNOWN_TOPIC_OR_PART" not in str(error):
                raise RuntimeError(f"topic {name} could not be deleted: {error}") from error
