"""From rows to Kafka: as written, in order, once the broker has them gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewTopic
from pytest_django.fixtures import Settings

from outbox import relay
from prism.embedded import ensure_topics
from tenants.database import connect
from tests.outbox import facts
from tests.outbox.relays import RunningRelay, relay_until_idle, wait_until

Connection = psycopg.Connection[Any]


def test_a_fact_is_published_as_it_was_written_and_its_row_is_gone(
    connection: Connection, facts_topic: str, kafka_bootstrap: str
) -> None:
    [fact] = facts.numbered(["12345678000190"], [7])
    facts.write(connection, [fact])
    relay_until_idle()
    [message] = facts.consume(kafka_bootstrap, facts_topic, partitions=3)
    assert message.key() == b"12345678000190"
    assert facts.body(message) == {"key": "12345678000190", "n": 7, "filler": ""}
    assert facts.headers(message) == {
        "content-type": "application/json",
        "fact_id": fact.fact_id,
        "dispatch_id": fact.fact_id,
        "version": "7",
        "tenant": "default",
        "provider": "Gateway",
        "schema_version": "1",
    }
    assert facts.waiting(connection) == 0


def test_the_facts_of_a_contact_keep_their_order_and_none_is_doubled(
    connection: Connection, facts_topic: str, kafka_bootstrap: str
) -> None:
    keys = [f"contact-{n}" for n in range(40)]
    written = facts.numbered(keys, range(50))
    facts.write(connection, written)
    relay_until_idle()
    messages = facts.consume(kafka_bootstrap, facts_topic, partitions=3)
    assert len(messages) == len(written)
    assert facts.first_numbers(messages) == {key: list(range(50)) for key in keys}


def test_a_fact_that_commits_late_with_a_lower_id_is_published_too(
    connection: Connection, facts_topic: str, kafka_bootstrap: str, running_relay: Callable[..., RunningRelay]
) -> None:
    running_relay()
    with connect("prism-test") as late:
        with late.transaction():
            [low] = facts.write(late, facts.numbered(["same"], [1]))
            [high] = facts.write(connection, facts.numbered(["same"], [2]))
            assert low < high
            wait_until(lambda: facts.waiting(connection) == 0)
        wait_until(lambda: facts.waiting(connection) == 0)
    assert facts.first_numbers(facts.consume(kafka_bootstrap, facts_topic, partitions=3)) == {"same": [2, 1]}


def test_what_follows_from_a_fact_that_commits_late_comes_after_it(
    connection: Connection, facts_topic: str, kafka_bootstrap: str, running_relay: Callable[..., RunningRelay]
) -> None:
    """The second change of a dispatch waits for the first to commit; meanwhile others have gone past both."""
    running_relay()
    last = 20
    [other] = facts.in_the_shard_of(connection, "same", 1)
    with connect("prism-test") as late:
        for n in range(0, last, 2):
            with late.transaction():
                [low] = facts.write(late, facts.numbered(["same"], [n]))
                [passing] = facts.write(connection, facts.numbered([other], [n]))
                assert low < passing
                wait_until(lambda: facts.waiting(connection) == 0)
            facts.write(late, facts.numbered(["same"], [n + 1]))
            wait_until(lambda: facts.waiting(connection) == 0)
    told = facts.first_numbers(facts.consume(kafka_bootstrap, facts_topic, partitions=3))
    assert told["same"] == list(range(last))


def test_without_its_topic_nothing_is_deleted_and_all_is_published_once_it_is_there(
    connection: Connection,
    group: Callable[[str], str],
    settings: Settings,
    kafka_bootstrap: str,
    running_relay: Callable[..., RunningRelay],
) -> None:
    name = group("not-there-yet")
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = name
    settings.KAFKA_EXTRA_CONFIG = {
        "topic.metadata.propagation.max.ms": 500,
        "topic.metadata.refresh.fast.interval.ms": 50,
    }
    facts.write(connection, facts.numbered(["a", "b"], range(20)))
    running_relay(rows=5)
    time.sleep(2)
    assert facts.waiting(connection) == 40
    ensure_topics(kafka_bootstrap, {name: 1})
    wait_until(lambda: facts.waiting(connection) == 0, 40)
    assert facts.first_numbers(facts.consume(kafka_bootstrap, name)) == {"a": list(range(20)), "b": list(range(20))}


def test_a_relay_that_is_to_leave_when_idle_gives_up_on_a_broker_that_never_answers(
    connection: Connection, group: Callable[[str], str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "GIVEN_UP_SECONDS", 1.0)
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = group("never-there")
    facts.write(connection, facts.numbered(["a"], range(5)))
    with pytest.raises(relay.BrokerSilentError):
        relay_until_idle()
    assert facts.waiting(connection) == 5
    assert connection.execute("SELECT count(*) FROM outbox_shards WHERE owner <> ''").fetchone() == (0,)


def make_topic(bootstrap: str, name: str, limit: int) -> None:
    """A topic whose broker refuses batches above the limit."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    client.create_topics([NewTopic(name, 1, 1, config={"max.message.bytes": str(limit)})])[name].result(20)


def parked(connection: Connection) -> list[tuple[Any, ...]]:
    statement = (
        "SELECT (payload::json ->> 'n')::int, problem FROM outbox_events WHERE parked_at IS NOT NULL ORDER BY id"
    )
    return connection.execute(statement).fetchall()


def test_what_the_broker_refuses_for_good_is_parked_and_its_neighbours_go_on_in_order(
    connection: Connection,
    group: Callable[[str], str],
    settings: Settings,
    kafka_bootstrap: str,
) -> None:
    name = group("small")
    make_topic(kafka_bootstrap, name, 20_000)
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = name
    # Many batches under way at once: those behind a refused one must not overtake its innocent members.
    settings.KAFKA_EXTRA_CONFIG = {"compression.type": "none", "batch.num.messages": 20}
    written = facts.numbered(["one", "two", "three"], range(200), size=300)
    written[33] = written[33]._replace(size=50_000)
    written[90] = written[90]._replace(size=50_000)
    facts.write(connection, written)
    relay_until_idle()
    assert parked(connection) == [(11, "MSG_SIZE_TOO_LARGE"), (30, "MSG_SIZE_TOO_LARGE")]
    assert facts.waiting(connection) == 0
    assert facts.first_numbers(facts.consume(kafka_bootstrap, name)) == {
        "one": [n for n in range(200) if n not in {11, 30}],
        "two": list(range(200)),
        "three": list(range(200)),
    }

    larger = ConfigEntry("max.message.bytes", "1000000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=[larger])
    client = AdminClient({"bootstrap.servers": kafka_bootstrap})
    [done] = client.incremental_alter_configs([resource]).values()
    done.result(20)
    connection.execute("UPDATE outbox_events SET parked_at = NULL, problem = ''")
    relay_until_idle()
    assert facts.first_numbers(facts.consume(kafka_bootstrap, name))["one"][-2:] == [11, 30]
    assert facts.waiting(connection) == 0


def test_a_fact_larger_than_the_producer_takes_is_parked_without_stopping_it(
    connection: Connection, facts_topic: str, kafka_bootstrap: str
) -> None:
    written = facts.numbered(["one"], range(3))
    written[1] = written[1]._replace(size=1_200_000)
    facts.write(connection, written)
    relay_until_idle()
    assert parked(connection) == [(1, "MSG_SIZE_TOO_LARGE")]
    assert facts.first_numbers(facts.consume(kafka_bootstrap, facts_topic, partitions=3)) == {"one": [0, 2]}


def test_a_topic_name_or_headers_that_nobody_knows_park_the_fact(
    connection: Connection, facts_topic: str, kafka_bootstrap: str
) -> None:
    facts.write(connection, facts.numbered(["one"], [1]), topic="nobody knows this")
    facts.write(connection, facts.numbered(["one"], [2, 3, 4]))
    connection.execute("UPDATE outbox_events SET headers = '[1]' WHERE payload::json ->> 'n' = '2'")
    connection.execute("""UPDATE outbox_events SET headers = '{"a": {"b": 1}}' WHERE payload::json ->> 'n' = '3'""")
    relay_until_idle()
    assert parked(connection) == [(1, "UNKNOWN_TOPIC_NAME"), (2, "HEADERS_NOT_TEXT"), (3, "HEADERS_NOT_TEXT")]
    assert len(facts.consume(kafka_bootstrap, facts_topic, partitions=3)) == 1


def test_database_sessions_that_are_ended_under_load_cost_nothing(
    connection: Connection, facts_topic: str, kafka_bootstrap: str, running_relay: Callable[..., RunningRelay]
) -> None:
    keys = [f"contact-{n}" for n in range(30)]
    running_relay(rows=50)
    written = []
    for round_ in range(15):
        batch = facts.numbered(keys, range(round_ * 20, round_ * 20 + 20))
        facts.write(connection, batch)
        written += batch
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'prism-relay' AND datname = current_database()"
        )
        time.sleep(0.15)
    wait_until(lambda: facts.waiting(connection) == 0)
    messages = facts.consume(kafka_bootstrap, facts_topic, partitions=3)
    assert {facts.headers(message)["fact_id"] for message in messages} == {fact.fact_id for fact in written}
    assert facts.first_numbers(messages) == {key: list(range(300)) for key in keys}


def test_one_read_holds_a_bounded_number_of_bytes(connection: Connection) -> None:
    from outbox import waiting

    facts.write(connection, facts.numbered(["one"], range(10), size=900_000))
    row = connection.execute(
        "UPDATE outbox_shards SET owner = 'me', epoch = 1, leased_until = now() + interval '1 minute'"
        " WHERE shard = (SELECT shard FROM outbox_events LIMIT 1) RETURNING shard"
    ).fetchone()
    assert row
    found = waiting.read(connection, owner="me", claims=[waiting.Claim(row[0], 1, 0)], rows=1000)
    assert len(found[row[0]]) == 5
