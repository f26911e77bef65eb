"""A process that leaves, by will or because a thread of it died: nothing it held is lost, and its exit tells."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from dispatching.draining import drain_due
from dispatching.engine import Engine
from dispatching.models import Dispatch, DueDispatch, SendBatch, Worker
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import campaign_with, plan_due
from tests.dispatching.test_engine import send, statuses, until
from tests.dispatching.vendor import Vendor, running_vendor


@pytest.fixture
def vendor(settings: Settings, transactional_db: None) -> Iterator[Vendor]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    with running_vendor() as running:
        yield running


@pytest.fixture
def handlers() -> Iterator[None]:
    """Commands take the signals over; this process wants its own back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("fields", [{"knobs": {"api_url": "http://127.0.0.1:9/"}}, {"max_messages_per_minute": 120}])
def test_a_lane_that_backs_off_or_is_paced_does_not_keep_a_process_from_leaving(
    connection: psycopg.Connection, vendor: Vendor, make_trigger: MakeTrigger, fields: dict[str, Any]
) -> None:
    fields = {**fields, "knobs": {"api_url": vendor.url, **fields.get("knobs", {})}}
    campaign, _ = campaign_with([fields])
    leaving = Engine("consumer")
    leaving.start()
    send(leaving, connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(400)])
    until(lambda: vendor.messages or DueDispatch.objects.exists())
    started = time.monotonic()
    assert leaving.stop(20)
    assert time.monotonic() - started < 5
    assert leaving.failed is None
    assert statuses() == {"PENDING": 400 - len(vendor.messages), **({"SENT": n} if (n := len(vendor.messages)) else {})}
    assert DueDispatch.objects.count() == Dispatch.objects.filter(status="PENDING").count()
    assert not SendBatch.objects.exists()
    assert leaving.lanes.held() == 0
    assert Worker.objects.get(id=leaving.worker_id).state == "stopped"


@pytest.mark.parametrize(
    "broken", ["recorder.Recorder._gather", "sending.Sender._take_released", "workers.Heartbeat._beat"]
)
def test_the_death_of_any_thread_ends_the_process_with_an_error(
    connection: psycopg.Connection, handlers: None, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def die(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(f"dispatching.{broken}", die)
    monkeypatch.setattr("dispatching.draining.DRAIN_S", 3.0)
    with pytest.raises(CommandError, match="ZeroDivisionError"):
        call_command("run_sender", max_seconds=20)
    assert Worker.objects.get().state == "running", "whoever reaps it finds what it held"


def test_a_drain_whose_thread_died_is_an_error_too(
    connection: psycopg.Connection, vendor: Vendor, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _ = campaign_with([{"knobs": {"api_url": vendor.url}}])
    plan_due(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))

    def die(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("dispatching.recorder.Recorder._work", die)
    monkeypatch.setattr("dispatching.draining.DRAIN_S", 2.0)
    with pytest.raises(ZeroDivisionError):
        drain_due(max_seconds=10)
    assert SendBatch.objects.count() == 1
