"""Whatever a vendor answers ends as one outcome and one fact: no byte of it stops a micro-batch."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from itertools import cycle

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from dispatching.engine import Engine
from dispatching.grouping import Group
from dispatching.models import Dispatch
from dispatching.parcels import Batch, Parcel
from dispatching.recording import record_moves
from dispatching.results import Sent, move_of
from dispatching.sending import _outcomes
from outbox.models import OutboxEvent
from providers.messages import WireAnswer
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import Hands, campaign_with
from tests.dispatching.test_engine import send, until
from tests.dispatching.vendor import Vendor, running_vendor

BODIES = [
    b'{"messageId": "m1", "note": "a\\u0000b"}',
    b'{"messageId": "m\\u0000"}',
    b'{"messageId": "m2", "note": "\\ud800"}',
    b'{"messageId": "\\udfff\\ud800"}',
    b'{"messageId": "m3", "\\u0000key": {"\\ud83d": 1}}',
    b'{"error": "\\u0000\\udc00 no"}',
    b'{"error": {"code": "\\u0000", "message": "\\ud800"}}',
    b'{"messageId": "m4", "note": "' + b"x" * 100_000 + b'"}',
    b'{"messageId": "m5", "note": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"messageId": "m6", "number": 1e999, "other": -1e-999}',
    b'{"messageId": "m7", "number": ' + b"9" * 400 + b"}",
    b'{"messageId": 7, "messageId": 8}',
    b"\xff\xfe\x00{",
    b"\\N\t\\.\n",
    b'{"messageId": "\\\\\\"},{\\t\\n"}',
    b"null",
    b"",
]


@pytest.fixture
def vendor(settings: Settings, transactional_db: None) -> Iterator[Vendor]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    with running_vendor() as running:
        yield running


def test_every_bad_answer_is_recorded_and_told_and_harms_no_other(
    connection: psycopg.Connection, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"api_url": vendor.url}}])
    answers = cycle([(status, body) for body in BODIES for status in (200, 400)])
    vendor.behave = lambda _message: next(answers)
    count = 2 * len(BODIES)
    engine = Engine("consumer")
    engine.start()
    send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(count)])
    until(lambda: OutboxEvent.objects.count() == count)
    assert engine.stop(20)
    assert engine.failed is None
    statuses = set(Dispatch.objects.values_list("status", flat=True))
    assert statuses <= {"SENT", "FAILED", "UNKNOWN"}
    assert Dispatch.objects.filter(status="SENT").count() >= 5
    for event in OutboxEvent.objects.all():
        assert len(event.payload) < 20_000
        assert "\x00" not in json.dumps(json.loads(event.payload), ensure_ascii=False)


@pytest.fixture
def sent(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger) -> tuple[Batch, Parcel]:
    campaign, _ = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    return hands.take()[0]


texts = st.text() | st.sampled_from(["\x00", "\ud800", "é\udfff"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
answer_objects = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("messageId", "status", "error", "id", "anything"), json_values)
).map(lambda value: json.dumps(value).encode())


@given(
    body=st.binary(max_size=60) | st.sampled_from(BODIES) | answer_objects,
    status=st.sampled_from([200, 202, 302, 400, 401, 429, 500, 502, 599]),
)
@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_at_all_can_be_recorded(
    connection: psycopg.Connection, sent: tuple[Batch, Parcel], body: bytes, status: int
) -> None:
    batch, parcel = sent
    answer = WireAnswer(status, {}, body, left=True, complete=True, error=None, detail="", elapsed_ms=1.0)
    (outcome,) = _outcomes(Group(batch, [parcel]), answer)
    now = dt.datetime.now(dt.UTC)
    assert batch.settings is not None
    move = move_of(Sent(parcel, batch, outcome, now, now), batch.settings, now, 1.0)
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        assert record_moves(cursor, [move], now) == {parcel.id}
        row = cursor.execute("SELECT provider_response, status FROM dispatches").fetchone()
        assert row is not None
        assert len(msgspec.json.encode(row[0])) < 10_000
        told = cursor.execute("SELECT count(*) FROM outbox_events").fetchone()
        assert told == (int(row[1] not in ("PENDING", "SCHEDULED")),)
