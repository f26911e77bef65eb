"""What dispatching writes and the relay publishes, held against the schemas that other teams read."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import psycopg
from jsonschema import Draft202012Validator, FormatChecker

from dispatching import facts as dispatch_facts
from dispatching.statuses import PUBLISHED, WAITING, Status
from tests.factories import DispatchFactory
from tests.outbox import facts
from tests.outbox.relays import relay_until_idle

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / name).read_text()), format_checker=FormatChecker())


BODY = validator("communication_dispatch_events.schema.json")
HEADERS = validator("communication_dispatch_events.headers.schema.json")


def published(connection: psycopg.Connection[Any], bootstrap: str, topic: str, **fields: Any) -> tuple[Any, Any]:
    dispatch = DispatchFactory(**fields)
    with connection.cursor() as cursor:
        dispatch_facts.publish(cursor, [str(dispatch.id)])
    relay_until_idle()
    message = facts.consume(bootstrap, topic, partitions=3)[-1]
    return facts.body(message), facts.headers(message)


def test_every_status_makes_a_fact_that_the_schema_allows_and_waiting_ones_make_none(
    connection: psycopg.Connection[Any], facts_topic: str, kafka_bootstrap: str
) -> None:
    rows = [DispatchFactory(status=status) for status in Status]
    with connection.cursor() as cursor:
        dispatch_facts.publish(cursor, [str(row.id) for row in rows])
    relay_until_idle()
    messages = facts.consume(kafka_bootstrap, facts_topic, partitions=3)
    for message in messages:
        BODY.validate(facts.body(message))
        HEADERS.validate(facts.headers(message))
    assert {facts.body(message)["status"] for message in messages} == {status.value for status in PUBLISHED}
    assert {facts.headers(message)["dispatch_id"] for message in messages} == {
        str(row.id) for row in rows if row.status not in WAITING
    }


def test_a_message_sent_at_once_is_told_as_in_the_seed(
    connection: psycopg.Connection[Any], facts_topic: str, kafka_bootstrap: str
) -> None:
    triggered_at = dt.datetime(2024, 10, 20, 14, 30, tzinfo=dt.UTC)
    body, headers = published(
        connection,
        kafka_bootstrap,
        facts_topic,
        correlation_id="550e8400-e29b-41d4-a716-446655440000",
        trace_id="trace-123-456",
        triggered_at=triggered_at,
        dispatched_at=triggered_at + dt.timedelta(milliseconds=2145),
        provider_response={"message_id": "wamid.HBg", "status": "sent"},
        version=3,
    )
    example = json.loads((SCHEMAS / "examples" / "communication_dispatch_events.json").read_text())
    assert list(body) == list(example)
    assert body == {
        **example,
        "journey_name": body["journey_name"],
        "triggered_at": "2024-10-20T14:30:00.000Z",
        "provider_response": {"message_id": "wamid.HBg", "status": "sent"},
    }
    assert body["journey_name"]
    assert headers["fact_id"] == f"{headers['dispatch_id']}:3"
    assert (headers["version"], headers["schema_version"]) == ("3", "1")


def test_a_message_without_campaign_tax_id_and_trace_has_nulls_and_the_correlation_id_as_key(
    connection: psycopg.Connection[Any], facts_topic: str, kafka_bootstrap: str
) -> None:
    body, headers = published(
        connection,
        kafka_bootstrap,
        facts_topic,
        campaign=None,
        campaign_provider=None,
        dispatch_mode="SYNC",
        contact_tax_id="",
        trace_id="",
        status=Status.FAILED,
        dispatched_at=None,
        provider_response="not an object",
        error_message="no",
    )
    BODY.validate(body)
    HEADERS.validate(headers)
    assert (body["journey_name"], body["contact_tax_id"], body["trace_id"]) == (None, None, None)
    assert (body["dispatched_at"], body["processing_time_ms"]) == (None, None)
    assert "label" not in headers
    [message] = facts.consume(kafka_bootstrap, facts_topic, partitions=3)
    assert message.key() == body["correlation_id"].encode()
