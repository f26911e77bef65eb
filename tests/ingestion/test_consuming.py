"""The consuming loop over a real topic and a real database: every record ends once, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pytest_django import Settings

from ingestion import reasons
from ingestion.consuming import EngineFailedError
from tenants.models import Tenant
from tests.ingestion.events import event
from tests.ingestion.planners import LedgerPlanner, raises, refused_by_postgres
from tests.ingestion.stage import Stage, wait_until

BAD_VALUES: list[tuple[bytes | None, str]] = [
    (None, reasons.NO_VALUE),
    (b"not json", reasons.MALFORMED_JSON),
    (b"\xff\xfe{}", reasons.INVALID_UTF8),
    (b"[1]", reasons.NOT_AN_OBJECT),
    (b"{}", reasons.MISSING_FIELD),
    (json.dumps(event(contact_attributes={"first_name": "a\0"})).encode(), reasons.NUL_CHARACTER),
    (b'{"journey_name":"\\ud800","correlation_id":"c","contact_attributes":{}}', reasons.LONE_SURROGATE),
    (b'{"journey_name":"j","correlation_id":"c","contact_attributes":{"x":1e400}}', reasons.NUMBER_OUT_OF_RANGE),
    (b'{"journey_name":"j","correlation_id":"c","contact_attributes":{"x":NaN}}', reasons.NOT_A_NUMBER),
    (b" " * 300_000, reasons.TOO_LARGE),
]


def events(count: int, *, first: int = 0, **changes: Any) -> list[dict[str, Any]]:
    return [event(correlation_id=f"c-{number}", **changes) for number in range(first, first + count)]


def test_every_event_is_planned_once_and_the_position_is_beside_it(stage: Stage, planner: LedgerPlanner) -> None:
    stage.produce(*events(25))
    consumer = stage.consume(planner, batch_size=10)
    assert consumer.counts == {("planned", ""): 25}
    assert stage.planned() == 25
    assert stage.position() == 25
    assert max(planner.batches) <= 10
    assert len(planner.accepted) == len(planner.batches)
    stage.produce(*events(5, first=25))
    assert stage.consume(planner).counts == {("planned", ""): 5}
    assert stage.position() == 30


def test_bad_bytes_of_every_sort_in_the_middle_of_a_batch_become_rejections_and_nothing_else(
    stage: Stage, planner: LedgerPlanner
) -> None:
    for number, (value, _code) in enumerate(BAD_VALUES):
        stage.produce(event(correlation_id=f"good-{number}"), value)
    counts = stage.consume(planner).counts
    assert counts["planned", ""] == len(BAD_VALUES)
    found = stage.rejected()
    assert [row[:2] for row in found] == [(2 * n + 1, code) for n, (_value, code) in enumerate(BAD_VALUES)]
    assert [bytes(row[3]) for row in found] == [(value or b"")[:65_536] for value, _code in BAD_VALUES]
    assert stage.position() == 2 * len(BAD_VALUES)


def test_doubled_keys_in_one_batch_and_in_a_later_one_are_counted_and_not_stored(
    stage: Stage, planner: LedgerPlanner
) -> None:
    stage.produce(event(), event(), event(journey_name="unknown", correlation_id="c-2"))
    assert stage.consume(planner).counts == {
        ("planned", ""): 1,
        ("duplicate", ""): 1,
        ("rejected", "UNKNOWN_JOURNEY"): 1,
    }
    stage.produce(event(), event(contact_attributes={"first_name": "Other"}))
    assert stage.consume(planner).counts == {("duplicate", ""): 1, ("rejected", "DUPLICATE_OTHER_PAYLOAD"): 1}
    assert [row[1] for row in stage.rejected()] == ["UNKNOWN_JOURNEY", "DUPLICATE_OTHER_PAYLOAD"]


A_ROW_OF_NOBODY = """
INSERT INTO rejected_triggers (id, tenant_id, code, path, message, topic, partition, "offset", journey_name,
  correlation_id, headers, raw, raw_size, state, state_changed_by)
VALUES (gen_random_uuid(), -1, '', '', '', '', 0, 0, '', '', '[]', '', 0, 'open', '')
"""


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'x'::integer",
        "SELECT repeat('x', 10)::jsonb",
        "DO $$ BEGIN RAISE 'too much' USING ERRCODE = '54000'; END $$",
        "UPDATE config_version SET id = 2",
        # A foreign key is checked by COMMIT only.
        A_ROW_OF_NOBODY,
    ],
)
def test_what_the_database_refuses_is_found_by_halving_and_rejected_alone(
    stage: Stage, planner: LedgerPlanner, statement: str
) -> None:
    planner.faults["c-13"] = refused_by_postgres(statement)
    stage.produce(*events(40))
    counts = stage.consume(planner).counts
    assert counts == {("planned", ""): 39, ("rejected", reasons.UNSTORABLE): 1}
    ((offset, code, _path, raw),) = stage.rejected()
    assert (offset, code) == (13, reasons.UNSTORABLE)
    assert json.loads(bytes(raw))["correlation_id"] == "c-13"
    assert stage.position() == 40


A_DISPATCH_OUTSIDE_THE_PARTITIONS = """
INSERT INTO dispatches (id, tenant_id, trigger_id, correlation_id, channel, dispatch_mode, status, triggered_at,
  received_at, created_at)
VALUES ('00000000-0000-7000-8000-000000000000', 1, gen_random_uuid(), 'c', 'SMS', 'SYNC', 'PENDING', now(), now(),
  now())
"""


@pytest.mark.parametrize(
    "statement",
    [
        A_DISPATCH_OUTSIDE_THE_PARTITIONS,
        "SELECT * FROM nowhere",
    ],
)
def test_what_is_our_own_fault_waits_and_rejects_nobody(stage: Stage, planner: LedgerPlanner, statement: str) -> None:
    tried: list[int] = []
    planner.faults["c-13"] = refused_by_postgres(statement)
    planner.on_plan = lambda: tried.append(1)
    stage.produce(*events(40))
    running = stage.start(planner)
    wait_until(lambda: len(tried) >= 3)
    assert stage.position() == 0
    planner.faults.clear()
    wait_until(lambda: stage.planned() == 40)
    assert stage.rejected() == []
    assert running.error is None


def test_an_event_that_planning_cannot_digest_is_isolated_too(stage: Stage, planner: LedgerPlanner) -> None:
    planner.faults["c-3"] = raises(KeyError("first_name"))
    stage.produce(*events(8))
    assert stage.consume(planner).counts == {("planned", ""): 7, ("rejected", reasons.PLANNING_FAILED): 1}


def test_a_fault_of_ours_rejects_nobody_and_goes_on_when_it_is_mended(stage: Stage, planner: LedgerPlanner) -> None:
    stage.write("ALTER TABLE trigger_receipts RENAME TO away")
    stage.produce(*events(3))
    running = stage.start(planner)
    wait_until(lambda: stage.position() == 0)
    stage.produce(*events(3, first=3))
    stage.write("ALTER TABLE away RENAME TO trigger_receipts")
    wait_until(lambda: stage.planned() == 6)
    assert stage.rejected() == []
    assert running.error is None


def test_one_fault_of_everything_does_not_reject_everything(stage: Stage, planner: LedgerPlanner) -> None:
    planner.faults = {f"c-{number}": raises(TypeError("a bug")) for number in range(60)}
    stage.produce(*events(60))
    stage.start(planner)
    wait_until(lambda: len(stage.rejected()) >= 20)
    planner.faults.clear()
    wait_until(lambda: stage.position() == 60)
    assert len(stage.rejected()) < 30
    assert stage.planned() + len(stage.rejected()) == 60


def test_the_death_of_the_engine_ends_the_consumer(stage: Stage, planner: LedgerPlanner) -> None:
    running = stage.start(planner)
    planner.failed = RuntimeError("a thread died")
    wait_until(lambda: not running.alive)
    assert isinstance(running.error, EngineFailedError)


def test_it_stops_after_so_many_events_and_leaves_the_rest(stage: Stage, planner: LedgerPlanner) -> None:
    stage.produce(*events(20))
    assert stage.consume(planner, max_events=7, idle_exit=None).counts.total() == 7
    assert stage.position() == 7
    assert stage.consume(planner).counts.total() == 13


def test_the_tenant_is_the_headers_else_the_topics_else_the_default(stage: Stage, planner: LedgerPlanner) -> None:
    Tenant.objects.create(slug="acme", name="Acme")
    Tenant.objects.create(slug="off", name="Off", is_active=False)
    stage.produce(event(correlation_id="default"))
    stage.produce(event(correlation_id="acme"), headers=[("tenant", b"acme")])
    stage.produce(event(correlation_id="nobody"), headers=[("tenant", b"nobody")])
    stage.produce(event(correlation_id="empty"), headers=[("tenant", b"")])
    stage.produce(event(correlation_id="bytes"), headers=[("tenant", b"\xff\0")])
    stage.produce(event(correlation_id="two"), headers=[("tenant", b"acme"), ("tenant", b"default")])
    stage.produce(event(correlation_id="off"), headers=[("tenant", b"off")])
    stage.consume(planner)
    tenants = stage.rows("SELECT slug FROM trigger_receipts r JOIN tenants t ON t.id = r.tenant_id ORDER BY slug")
    assert tenants == [("acme",), ("default",)]
    found = stage.rows('SELECT correlation_id, code, path, tenant_id, headers FROM rejected_triggers ORDER BY "offset"')
    assert [row[:4] for row in found] == [
        ("nobody", reasons.UNKNOWN_TENANT, "headers.tenant", None),
        ("empty", reasons.UNKNOWN_TENANT, "headers.tenant", None),
        ("bytes", reasons.UNKNOWN_TENANT, "headers.tenant", None),
        ("two", reasons.UNKNOWN_TENANT, "headers.tenant", None),
        ("off", reasons.TENANT_INACTIVE, "headers.tenant", None),
    ]
    assert found[2][4] == [["tenant", "\\xff\ufffd"]]


def test_a_tenant_made_a_moment_ago_is_known_to_a_running_consumer(stage: Stage, planner: LedgerPlanner) -> None:
    stage.start(planner)
    stage.produce(event(correlation_id="before"), headers=[("tenant", b"late")])
    wait_until(lambda: stage.position() == 1)
    Tenant.objects.create(slug="late", name="Late")
    stage.produce(event(correlation_id="after"), headers=[("tenant", b"late")])
    wait_until(lambda: stage.position() == 2)
    assert stage.planned() == 1


def test_old_records_are_stale_by_kafkas_time(stage: Stage, planner: LedgerPlanner) -> None:
    day = 86_400_000
    now = int(stage.rows("SELECT extract(epoch FROM now()) * 1000")[0][0])
    stage.produce(event(correlation_id="old"), timestamp=now - 98 * day)
    stage.produce(event(correlation_id="young"), timestamp=now - 96 * day)
    assert stage.consume(planner).counts == {("planned", ""): 1, ("rejected", reasons.STALE): 1}


def test_a_topic_may_be_made_after_the_start(
    make_stage: Callable[..., Stage], planner: LedgerPlanner, settings: Settings
) -> None:
    stage = make_stage()
    settings.KAFKA_EXTRA_CONFIG = {"topic.metadata.refresh.interval.ms": 300}
    settings.KAFKA_TRIGGER_TOPIC_TENANTS = {f"{stage.topic}.later": "default"}
    running = stage.start(planner)
    stage.produce(event(correlation_id="first"))
    wait_until(lambda: stage.planned() == 1)
    stage.topic = stage.make_topic(f"{stage.topic}.later")
    stage.produce(event(correlation_id="second"))
    wait_until(lambda: stage.planned() == 2)
    assert running.error is None


def test_the_connection_is_reopened_when_the_server_ends_it(stage: Stage, planner: LedgerPlanner) -> None:
    running = stage.start(planner)
    stage.produce(*events(5))
    wait_until(lambda: stage.position() == 5)
    stage.write("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prism:test:consumer'")
    stage.produce(*events(5, first=5))
    wait_until(lambda: stage.position() == 10)
    assert running.error is None
    assert stage.planned() == 10


def test_a_connection_lost_inside_the_transaction_loses_and_doubles_nothing(
    stage: Stage, planner: LedgerPlanner
) -> None:
    def cut(cursor: psycopg.Cursor, _trigger: object) -> None:
        planner.faults.clear()
        stage.write("SELECT pg_terminate_backend(%s)", cursor.connection.info.backend_pid)

    planner.faults["c-2"] = cut
    stage.produce(*events(5))
    counts = stage.consume(planner).counts
    assert counts == {("planned", ""): 5}
    assert stage.planned() == 5
