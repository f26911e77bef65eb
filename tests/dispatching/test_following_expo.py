"""Expo from end to end: a batch goes out, its receipts are asked for over the real wire, and their signs are kept."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from pytest_django import Settings

from audiences.models import SuppressionSign
from dispatching import polling
from dispatching.engine import Engine
from dispatching.models import AwaitedReport, DeliveryReceipt, Dispatch, OverdueDelivery
from dispatching.polling import Follower
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import campaign_with
from tests.dispatching.test_engine import send, until
from tests.dispatching.test_following import Clock
from tests.providers.sandbox.simulator import Simulator

TOKENS = {name: f"ExponentPushToken[sandbox-{name}]" for name in ("accept", "report-failed", "report-none", "invalid")}


@pytest.fixture
def simulator(settings: Settings, transactional_db: None) -> Iterator[Simulator]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    with Simulator() as running:
        yield running


def receipts_asked_for(simulator: Simulator) -> int:
    return sum(request.target.endswith("getReceipts") for request in simulator.requests)


def test_receipts_are_asked_for_and_end_what_they_tell_of(
    connection: psycopg.Connection, simulator: Simulator, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(polling, "_database_time", clock)
    configuration = {"provider_vendor": "expo", "api_url": simulator.url}
    campaign, _ = campaign_with([{"provider_type": "PUSH", "configuration": configuration}])
    Follower().run_until_empty(10)
    engine = Engine("consumer")
    engine.start()
    triggers = [
        make_trigger(campaign.name, tenant_id=campaign.tenant_id, push_token=token) for token in TOKENS.values()
    ]
    send(engine, connection, *triggers)
    until(lambda: Dispatch.objects.exclude(status="PENDING").count() == len(TOKENS))
    assert engine.stop(20)
    assert states() == {"accept": "SENT", "report-failed": "SENT", "report-none": "SENT", "invalid": "FAILED"}
    assert signs() == [TOKENS["invalid"]]

    clock.shift = 1000
    assert Follower().run_until_empty(10) == 2
    assert receipts_asked_for(simulator) == 1
    assert states() == {"accept": "SENT", "report-failed": "FAILED", "report-none": "SENT", "invalid": "FAILED"}
    assert DeliveryReceipt.objects.count() == 2
    assert signs() == [TOKENS["invalid"], TOKENS["report-failed"]]
    assert AwaitedReport.objects.count() == 1

    clock.shift = 7300
    Follower().run_until_empty(10)
    assert receipts_asked_for(simulator) == 2
    assert OverdueDelivery.objects.get().dispatch_id == Dispatch.objects.get(destination=TOKENS["report-none"]).pk
    assert AwaitedReport.objects.count() == 1, "Expo may know it yet"


def states() -> dict[str, str]:
    of = {token: name for name, token in TOKENS.items()}
    return {of[to]: status for to, status in Dispatch.objects.values_list("destination", "status")}


def signs() -> list[str]:
    rows = SuppressionSign.objects.filter(kind="address_dead", address_kind="push_token").order_by("id")
    return list(rows.values_list("address", flat=True))
