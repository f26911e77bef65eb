"""From one provider to the next: only after a definite failure, in the order of the campaign, once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import pytest

from campaigns.models import Campaign
from dispatching.models import Dispatch, DueDispatch
from outbox.models import OutboxEvent
from providers.models import Provider
from providers.outcomes import Outcome
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, DEFERRED, REJECTED, UNKNOWN, Hands, campaign_with

THREE: list[dict[str, Any]] = [
    {"provider_type": "WHATSAPP", "knobs": {"retry": {"max_attempts": 1}}},
    {"provider_type": "EMAIL"},
    {"provider_type": "SMS"},
]


def go_on(hands: Hands, *outcomes: Outcome) -> None:
    """Each outcome is the answer to what is sent next."""
    for outcome in outcomes:
        DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
        hands.claim()
        assert hands.answer(outcome) == 1


def chain() -> list[tuple[str, str, str]]:
    return list(Dispatch.objects.order_by("id").values_list("channel", "status", "reason"))


@pytest.fixture
def campaign(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger) -> Campaign:
    """Its one message is on the wire of the first of three providers."""
    made, _ = campaign_with(THREE, strategy="fallback")
    hands.plan(connection, make_trigger(made.name, tenant_id=made.tenant_id))
    return made


def test_each_failure_goes_one_further_and_the_last_one_ends_it(hands: Hands, campaign: Campaign) -> None:
    hands.answer(DEFERRED)
    go_on(hands, REJECTED, REJECTED)
    assert [channel_status[:2] for channel_status in chain()] == [
        ("WHATSAPP", "FAILED"),
        ("EMAIL", "FAILED"),
        ("SMS", "FAILED"),
    ]
    ids = list(Dispatch.objects.order_by("id").values_list("id", flat=True))
    assert list(Dispatch.objects.order_by("id").values_list("predecessor_id", flat=True)) == [None, *ids[:2]]
    assert not DueDispatch.objects.exists()
    assert OutboxEvent.objects.count() == 3
    assert len(set(Dispatch.objects.values_list("trigger_id", flat=True))) == 1


@pytest.mark.parametrize(("outcome", "status"), [(ACCEPTED, "SENT"), (UNKNOWN, "UNKNOWN")])
def test_what_arrived_or_may_have_arrived_is_sent_by_nobody_else(
    hands: Hands, campaign: Campaign, outcome: Outcome, status: str
) -> None:
    hands.answer(REJECTED)
    go_on(hands, outcome)
    assert chain() == [("WHATSAPP", "FAILED", "NO"), ("EMAIL", status, outcome.reason)]
    assert not DueDispatch.objects.exists()


def test_providers_that_cannot_send_are_told_and_passed_over(hands: Hands, campaign: Campaign) -> None:
    Provider.objects.filter(provider_type="EMAIL").update(is_active=False)
    hands.answer(REJECTED)
    assert chain() == [("WHATSAPP", "FAILED", "NO"), ("EMAIL", "REFUSED", "PROVIDER_INACTIVE"), ("SMS", "PENDING", "")]
    go_on(hands, ACCEPTED)
    assert chain()[-1] == ("SMS", "SENT", "")
    assert OutboxEvent.objects.count() == 3


def test_one_that_is_switched_off_while_the_message_waits_for_it_is_passed_over_by_the_claim(
    hands: Hands, campaign: Campaign
) -> None:
    hands.answer(REJECTED)
    Provider.objects.filter(provider_type="EMAIL").update(is_active=False)
    assert hands.claim() == 1
    assert hands.take() == []
    go_on(hands, ACCEPTED)
    assert chain() == [
        ("WHATSAPP", "FAILED", "NO"),
        ("EMAIL", "REFUSED", "PROVIDER_INACTIVE"),
        ("SMS", "SENT", ""),
    ]


def test_a_campaign_that_was_switched_off_goes_no_further(hands: Hands, campaign: Campaign) -> None:
    Campaign.objects.update(is_active=False)
    hands.answer(REJECTED)
    assert chain() == [("WHATSAPP", "FAILED", "NO")]


def test_the_next_provider_has_no_more_time_than_the_first_had(hands: Hands, campaign: Campaign) -> None:
    hands.answer(REJECTED)
    first, second = Dispatch.objects.order_by("id")
    assert second.not_after == first.not_after
    DueDispatch.objects.update(not_after=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    hands.claim()
    assert chain()[1:] == [("EMAIL", "EXPIRED", "NOT_AFTER_PASSED")], "too late for the third as well"
