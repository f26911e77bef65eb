"""The broker goes away and comes back: nothing is lost, nothing spins, order holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
import pytest
from pytest_django.fixtures import Settings

from prism.embedded import ensure_topics
from tests.clusters import Cluster, private_services
from tests.outbox import facts
from tests.outbox.relays import RunningRelay, wait_until

__all__ = ["private_services"]

pytestmark = pytest.mark.long

KEYS = [f"contact-{n}" for n in range(50)]
TOPIC = "facts"


@pytest.fixture
def own_broker(private_services: Cluster, settings: Settings) -> Cluster:
    settings.KAFKA_BOOTSTRAP_SERVERS = private_services.services.kafka_bootstrap
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = TOPIC
    ensure_topics(private_services.services.kafka_bootstrap, {TOPIC: 3})
    return private_services


def test_a_broker_that_is_killed_and_comes_back_under_load_loses_nothing(
    own_broker: Cluster, connection: psycopg.Connection[Any], running_relay: Callable[..., RunningRelay]
) -> None:
    running_relay()
    written = []
    for round_ in range(3):
        for step in range(20):
            batch = facts.numbered(KEYS, [round_ * 20 + step])
            facts.write(connection, batch)
            written += batch
            time.sleep(0.02)
        own_broker.restart("kafka", kill=True)
    wait_until(lambda: facts.waiting(connection) == 0, 120)
    messages = facts.consume(own_broker.services.kafka_bootstrap, TOPIC, partitions=3)
    assert {facts.headers(message)["fact_id"] for message in messages} == {fact.fact_id for fact in written}
    assert facts.first_numbers(messages) == {key: list(range(60)) for key in KEYS}


def test_while_the_broker_is_away_the_relay_keeps_its_leases_and_does_not_spin(
    own_broker: Cluster,
    connection: psycopg.Connection[Any],
    running_relay: Callable[..., RunningRelay],
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = running_relay()
    wait_until(lambda: len(running.relay.leases.held) == 8)
    [broker] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(own_broker.root) in " ".join(process.info["cmdline"] or []) and "kafka.Kafka" in process.info["cmdline"]
    ]
    broker.suspend()
    try:
        facts.write(connection, facts.numbered(KEYS, range(20)))
        time.sleep(1)
        before = psutil.Process().cpu_times()
        time.sleep(12)
        after = psutil.Process().cpu_times()
        assert (after.user + after.system) - (before.user + before.system) < 12 * 0.2
        assert facts.waiting(connection) == 20 * len(KEYS)
        assert len(running.relay.leases.held) == 8
        assert "broker_silent" in caplog.text
    finally:
        broker.resume()
    wait_until(lambda: facts.waiting(connection) == 0, 60)
    running.stop()
