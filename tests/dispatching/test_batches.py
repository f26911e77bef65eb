"""A request holds as many messages as its vendor takes, from the queue as from a plan."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from providers.models import Provider
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import Hands, campaign_with, plan_due

EXPO = {"provider_type": "PUSH", "configuration": {"provider_vendor": "expo"}, "max_messages_per_minute": 60_000}
COUNT = 150


@pytest.fixture
def triggers(transactional_db: None, make_trigger: MakeTrigger) -> list[Any]:
    campaign, _providers = campaign_with([EXPO])
    assert Provider.objects.count() == 1
    return [
        make_trigger(campaign.name, tenant_id=campaign.tenant_id, push_token=f"ExponentPushToken[{number}]")
        for number in range(COUNT)
    ]


def sizes(hands: Hands) -> list[int]:
    return sorted(len(batch.parcels) for batch in hands.wire.batches)


def test_what_is_planned_together_goes_out_together(
    connection: psycopg.Connection, hands: Hands, triggers: list[Any]
) -> None:
    hands.plan(connection, *triggers)
    while sum(sizes(hands)) < COUNT:
        hands.turn()
        hands.claim()
    assert sizes(hands) == [50, 100]


def test_what_is_due_together_goes_out_together(
    connection: psycopg.Connection, hands: Hands, triggers: list[Any]
) -> None:
    plan_due(connection, *triggers)
    assert hands.claim() == COUNT
    assert sizes(hands) == [50, 100]
