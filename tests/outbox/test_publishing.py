"""The producer's settings, the last look at the lease, and what a lost lease leaves behind."""

from __future__ import annotations

import itertools
import time
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from outbox import waiting
from outbox.courier import Courier, pause_before
from outbox.progress import Progress, ShardProgress
from outbox.publishing import Publisher, encode_headers, producer_config
from outbox.refusals import RefusedError
from outbox.waiting import Claim, Fact
from tests.outbox import facts


def fact(number: int, shard: int = 1) -> Fact:
    return Fact(number, shard, "dispatch", "key", {"fact_id": str(number)}, "{}", 0.0)


def listen_until_settled(courier: Courier) -> None:
    deadline = time.monotonic() + 20
    while courier.progress.under_way():
        assert time.monotonic() < deadline, "waited in vain"
        courier.listen(0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("acks", 1),
        ("acks", "0"),
        ("enable.idempotence", False),
        ("enable.gapless.guarantee", "false"),
        ("message.timeout.ms", 30000),
    ],
)
def test_what_order_stands_on_cannot_be_configured_away(settings: Settings, name: str, value: Any) -> None:
    settings.KAFKA_EXTRA_CONFIG = {name: value}
    with pytest.raises(ImproperlyConfigured, match=f"KAFKA_EXTRA_CONFIG: {name} is"):
        producer_config()


@pytest.mark.parametrize(("name", "value"), [("acks", "all"), ("acks", -1), ("enable.idempotence", "true")])
def test_the_same_value_said_again_is_fine(settings: Settings, name: str, value: Any) -> None:
    settings.KAFKA_EXTRA_CONFIG = {name: value}
    assert producer_config()["enable.idempotence"] is True


def test_everything_else_can_be_configured(settings: Settings) -> None:
    settings.KAFKA_EXTRA_CONFIG = {"security.protocol": "SASL_SSL", "linger.ms": 50, "compression.type": "zstd"}
    config = producer_config()
    assert (config["security.protocol"], config["linger.ms"], config["compression.type"]) == ("SASL_SSL", 50, "zstd")


def test_headers_are_text_and_absent_where_null() -> None:
    encoded = encode_headers({"fact_id": "ç:1", "version": 3, "label": None})
    assert encoded == [("content-type", b"application/json"), ("fact_id", "ç:1"), ("version", "3")]


@pytest.mark.parametrize("headers", [None, [], "text", {"a": []}, {"a": {"b": 1}}])
def test_headers_that_are_no_flat_object_are_refused(headers: Any) -> None:
    with pytest.raises(RefusedError):
        encode_headers(headers)


def test_a_relay_that_loses_its_lease_in_the_middle_hands_over_no_more(
    connection: psycopg.Connection[Any], facts_topic: str, kafka_bootstrap: str
) -> None:
    facts.write(connection, facts.numbered(["one"], range(10)))
    row = connection.execute(
        "UPDATE outbox_shards SET owner = 'me', epoch = 1, leased_until = now() + interval '1 minute'"
        " WHERE shard = (SELECT shard FROM outbox_events LIMIT 1) RETURNING shard"
    ).fetchone()
    assert row
    found = waiting.read(connection, owner="me", claims=[Claim(row[0], 1, 0)], rows=100)[row[0]]
    courier = Courier(Publisher())
    held = itertools.chain([True] * 4, itertools.repeat(False))
    courier.hand_over(found, settled=1000, is_held=lambda: next(held))
    listen_until_settled(courier)
    assert [one.id for one in courier.progress.acknowledged] == [one.id for one in found[:4]]
    assert courier.progress.of(row[0]).floor == 0
    courier.finish()
    assert len(facts.consume(kafka_bootstrap, facts_topic, partitions=3)) == 4


def test_what_was_queued_when_the_lease_was_lost_does_not_leave_after_the_purge(
    facts_topic: str, kafka_bootstrap: str, settings: Settings
) -> None:
    settings.KAFKA_EXTRA_CONFIG = {"linger.ms": 2000}
    courier = Courier(Publisher())
    courier.hand_over([fact(number) for number in range(1, 50)], settled=1000, is_held=lambda: True)
    courier.start_anew("lease")
    assert courier.progress.under_way() == 0
    courier.hand_over([fact(99)], settled=1000, is_held=lambda: True)
    listen_until_settled(courier)
    courier.finish()
    messages = facts.consume(kafka_bootstrap, facts_topic, partitions=3)
    assert [facts.headers(message)["fact_id"] for message in messages] == ["99"]


def test_suspects_go_alone_and_what_is_before_them_goes_first() -> None:
    progress = ShardProgress()
    read = [fact(number) for number in range(1, 6)]
    assert progress.next_batch(read) == (read, False)
    progress.suspects = {3}
    assert progress.next_batch(read) == (read[:2], False)
    assert progress.next_batch(read[2:]) == ([read[2]], True)
    assert progress.next_batch(read[3:]) == (read[3:], False)


def test_a_shard_is_idle_only_when_the_database_knows_all_answers() -> None:
    progress = Progress()
    progress.of(1).open = {1, 2}
    progress.acknowledge(fact(1))
    progress.refuse(fact(2), "INVALID_RECORD")
    assert progress.busy() == {1}
    assert progress.finished_shards() == {1}
    progress.written([fact(1)])
    assert progress.busy() == {1}
    progress.written([fact(2)])
    assert progress.busy() == set()


def test_pauses_grow_to_a_bound() -> None:
    assert 0.07 <= pause_before(1) <= 0.13
    assert all(pause_before(attempt) <= 6.5 for attempt in range(1, 100))
    assert pause_before(60) > 3
