"""The delivery engine as a whole, on a real database and a real vendor, in one process."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from campaigns.models import Campaign
from dispatching.draining import DueDrainer, drain_due, sender_alive
from dispatching.engine import Engine
from dispatching.models import Attempt, Dispatch, DueDispatch, SendBatch, Worker
from dispatching.triggers import Trigger
from outbox.models import OutboxEvent
from providers.models import Provider
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.vendor import Vendor, running_vendor
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory, ProviderFactory


def gateway(url: str, **knobs: Any) -> dict[str, Any]:
    return {"provider_vendor": "gateway", "api_url": url, "authentication": {"type": "none"}, **knobs}


@pytest.fixture
def vendor(settings: Settings) -> Iterator[Vendor]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    with running_vendor() as running:
        yield running


@pytest.fixture
def engine(transactional_db: None, vendor: Vendor) -> Iterator[Engine]:
    started = Engine("consumer")
    started.start()
    yield started
    started.stop(20)
    assert started.failed is None


@pytest.fixture
def campaign(transactional_db: None, vendor: Vendor) -> Campaign:
    made: Campaign = CampaignFactory.create()
    link_provider(made, vendor)
    return made


def link_provider(campaign: Campaign, vendor: Vendor, *, order: int = 1, url: str = "", **fields: Any) -> Provider:
    knobs = fields.pop("knobs", {})
    configuration = gateway(url or vendor.url, **knobs)
    provider: Provider = ProviderFactory.create(tenant=campaign.tenant, configuration=configuration, **fields)
    CampaignProviderTemplateFactory.create(
        campaign_provider__campaign=campaign, campaign_provider__provider=provider, campaign_provider__order=order
    )
    return provider


def send(engine: Engine, connection: psycopg.Connection, *triggers: Trigger) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        plan = engine.plan(cursor, triggers, dt.datetime.now(dt.UTC))
    engine.accept(plan)


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def statuses() -> dict[str, int]:
    counts: dict[str, int] = {}
    for status in Dispatch.objects.values_list("status", flat=True):
        counts[status] = counts.get(status, 0) + 1
    return counts


def test_planned_triggers_are_sent_once_each_and_leave_nothing_behind(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    triggers = [make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(700)]
    send(engine, connection, *triggers[:350])
    send(engine, connection, *triggers[350:])
    until(lambda: statuses().get("SENT") == 700, 20)
    assert set(vendor.keys.values()) == {1}
    assert vendor.keys.keys() == {str(pk) for pk in Dispatch.objects.values_list("id", flat=True)}
    assert vendor.most_at_once <= 64
    until(lambda: not SendBatch.objects.exists())
    assert OutboxEvent.objects.count() == 700
    assert engine.lanes.held() == 0


def test_updates_of_dispatches_are_hot(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    for _ in range(4):
        send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(200)])
    until(lambda: statuses().get("SENT") == 800, 20)
    engine.stop(20)
    updates, hot = connection.execute(
        "SELECT sum(n_tup_upd), sum(n_tup_hot_upd) FROM pg_stat_user_tables WHERE relname LIKE 'dispatches_p%'"
    ).fetchone() or (0, 0)
    assert updates >= 800
    assert hot / updates >= 0.7


def test_a_server_error_is_tried_again_by_a_sender_and_ends_sent(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    vendor.behave = lambda _: (500, {"error": "try later"}) if len(vendor.messages) == 1 else (200, {"messageId": "m1"})
    send(engine, connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    until(DueDispatch.objects.exists)
    until(lambda: drain_due(max_seconds=10) == 1)
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.attempts, dispatch.provider_message_id) == ("SENT", 2, "m1")
    assert list(Attempt.objects.order_by("number").values_list("number", "outcome")) == [
        (1, "DEFERRED"),
        (2, "ACCEPTED"),
    ]
    assert set(vendor.keys.values()) == {2}, "the same idempotency key for all attempts"


def test_an_outage_of_the_vendor_dead_letters_nobody(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    Provider.objects.update(configuration=gateway("http://127.0.0.1:9/"))
    send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(300)])
    until(lambda: DueDispatch.objects.count() == 300)
    assert set(Dispatch.objects.values_list("status", "attempts")) == {("PENDING", 0)}
    Provider.objects.update(configuration=gateway(vendor.url))
    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
    drain_due(max_seconds=20)
    assert statuses() == {"SENT": 300}
    assert set(vendor.keys.values()) == {1}


def test_a_definite_failure_goes_on_to_the_next_provider_and_an_unknown_does_not(
    engine: Engine, connection: psycopg.Connection, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    campaign = CampaignFactory.create(strategy="fallback")
    link_provider(campaign, vendor, provider_type="WHATSAPP")
    link_provider(campaign, vendor, provider_type="EMAIL", order=2)
    vendor.behave = lambda message: (
        (400, {"error": "no"}) if "@" not in str(message["to"]) else (200, {"messageId": "e"})
    )
    send(engine, connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    until(DueDispatch.objects.exists)
    drain_due(max_seconds=10)
    failed, sent = Dispatch.objects.order_by("id")
    assert (failed.channel, failed.status) == ("WHATSAPP", "FAILED")
    assert (sent.channel, sent.status, sent.predecessor_id) == ("EMAIL", "SENT", failed.id)
    vendor.behave = lambda _: (502, {})
    send(engine, connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    until(lambda: statuses().get("UNKNOWN") == 1)
    assert not DueDispatch.objects.exists()


def test_a_dead_letter_raises_an_alarm_on_arrival(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    vendor.behave = lambda _: (400, {"error": {"code": "INVALID_NUMBER"}})
    with capture_logs() as lines:
        send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)])
        until(lambda: statuses().get("FAILED") == 3)
        until(lambda: sum(told["count"] for line in lines for told in line.get("metadata", {}).get("letters", [])) == 3)
    alarms = [line for line in lines if line["event"] == "dead_letters"]
    assert {line["log_level"] for line in alarms} == {"error"}
    assert alarms[0]["metadata"]["letters"][0]["reason"] == "INVALID_NUMBER"


def test_a_slow_lane_lets_the_others_pass_and_its_rows_become_due(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    slow = CampaignFactory.create(tenant=campaign.tenant)
    with running_vendor() as other:
        other.delay_s = 1.0
        link_provider(slow, other, knobs={"concurrency": 1})
        send(engine, connection, *[make_trigger(slow.name, tenant_id=slow.tenant_id) for _ in range(100)])
        engine.wait_for_room(0.1)
        started = time.monotonic()
        for _ in range(5):
            assert engine.wait_for_room(5)
            send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(100)])
        until(lambda: Dispatch.objects.filter(campaign=campaign, status="SENT").count() == 500)
        assert time.monotonic() - started < 5
        assert DueDispatch.objects.count() >= 80
        other.delay_s = 0.0


def test_what_changed_since_the_plan_is_asked_again_before_a_late_release(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    Provider.objects.update(configuration=gateway(vendor.url, concurrency=1))
    vendor.delay_s = 1.1
    send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(12)])
    until(lambda: vendor.messages)
    Campaign.objects.update(is_active=False)
    until(lambda: statuses() == {"SENT": 4, "REFUSED": 8}, 15)
    assert set(Dispatch.objects.filter(status="REFUSED").values_list("reason", flat=True)) == {"CAMPAIGN_INACTIVE"}
    assert len(vendor.messages) == 4, "the pause took effect within one batch"


def test_stopping_finishes_what_is_on_the_wire_and_hands_back_the_rest(
    connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    Provider.objects.update(configuration=gateway(vendor.url, concurrency=1))
    vendor.delay_s = 0.1
    leaving = Engine("consumer")
    leaving.start()
    send(leaving, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(20)])
    until(lambda: vendor.messages)
    assert leaving.stop(20)
    assert statuses() == {"SENT": 4, "PENDING": 16}
    assert DueDispatch.objects.count() == 16
    assert not SendBatch.objects.exists()
    assert Worker.objects.get(id=leaving.worker_id).state == "stopped"


def test_a_pace_is_kept_by_consumer_and_sender_together(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    Provider.objects.update(max_messages_per_minute=600)
    started = time.monotonic()
    send(engine, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(25)])
    until(lambda: len(vendor.messages) >= 25, 15)
    assert 1.0 <= time.monotonic() - started < 6, "ten a second, after the first second's ten"


def test_a_paused_campaigns_due_rows_end_with_their_reason_and_past_ones_expire(
    connection: psycopg.Connection, vendor: Vendor, make_trigger: MakeTrigger, transactional_db: None
) -> None:
    campaign = CampaignFactory.create()
    link_provider(campaign, vendor)
    idle = Engine("consumer")
    late = make_trigger(campaign.name, tenant_id=campaign.tenant_id)
    with connection.transaction(), connection.cursor() as cursor:
        idle.plan(cursor, [late], dt.datetime.now(dt.UTC) - dt.timedelta(days=3))
    SendBatch.objects.all().delete()
    dispatch = Dispatch.objects.get()
    assert dispatch.provider_id is not None
    assert dispatch.not_after is not None
    DueDispatch.objects.create(
        dispatch_id=dispatch.id,
        provider_id=dispatch.provider_id,
        lane_class=1,
        due_at=dt.datetime.now(dt.UTC),
        not_after=dispatch.not_after,
    )
    drain_due(max_seconds=10)
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason) == ("EXPIRED", "NOT_AFTER_PASSED")
    assert vendor.messages == []


def test_the_minute_job_leaves_due_rows_to_a_living_sender(
    connection: psycopg.Connection, vendor: Vendor, transactional_db: None
) -> None:
    resident = Engine("sender")
    resident.start()
    assert sender_alive(connection)
    assert drain_due(max_seconds=1) == 0
    stop = threading.Event()
    stop.set()
    DueDrainer(resident).run(stop)
    resident.stop(10)
    assert not sender_alive(connection)


def test_a_connection_that_the_vendor_ended_while_idle_costs_no_message(
    engine: Engine, connection: psycopg.Connection, campaign: Campaign, vendor: Vendor, make_trigger: MakeTrigger
) -> None:
    vendor.hangs_up = True
    for _ in range(8):
        send(engine, connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
        until(lambda: vendor.messages)
        vendor.messages.clear()
        time.sleep(0.05)
    until(lambda: statuses() == {"SENT": 8})
    assert set(vendor.keys.values()) == {1}
