"""A vendor that tells repeats apart is asked again after an unanswered try; what that try did stays in doubt."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest

from campaigns.models import Campaign
from dispatching import reasons
from dispatching.models import Dispatch, DueDispatch
from providers.outcomes import Outcome
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, DEFERRED, NOT_SENT, REJECTED, UNKNOWN, Hands, campaign_with


@pytest.fixture
def unanswered(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger) -> Hands:
    """One message whose first try was never answered, waiting for its second."""
    campaign, _ = campaign_with([{"knobs": {"idempotent": True}}, {}], strategy="fallback")
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    hands.answer(UNKNOWN)
    assert DueDispatch.objects.count() == 1
    return hands


def again(hands: Hands, *outcomes: Outcome) -> Dispatch:
    for outcome in outcomes:
        for lane in hands.lanes._lanes.values():
            lane.closed_until = 0.0
        DueDispatch.objects.update(due_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        assert hands.claim() == 1
        hands.answer(outcome)
    return Dispatch.objects.order_by("id")[0]


@pytest.mark.parametrize(("outcome", "status", "rows"), [(ACCEPTED, "SENT", 1), (REJECTED, "FAILED", 2)])
def test_a_definite_answer_to_the_repeat_counts(unanswered: Hands, outcome: Outcome, status: str, rows: int) -> None:
    assert again(unanswered, outcome).status == status
    assert Dispatch.objects.count() == rows


def test_what_is_deferred_until_no_try_is_left_stays_unknown_and_no_other_provider_sends_it(
    unanswered: Hands,
) -> None:
    found = again(unanswered, DEFERRED, DEFERRED)
    assert (found.status, found.reason, found.attempts) == ("UNKNOWN", reasons.EARLIER_TRY_UNANSWERED, 3)
    assert found.error_message is not None
    assert "HTTP 503" in found.error_message
    assert Dispatch.objects.count() == 1


def test_what_can_no_longer_be_repeated_in_time_stays_unknown(unanswered: Hands) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.5)
    DueDispatch.objects.update(not_after=soon)
    found = again(unanswered, NOT_SENT)
    assert (found.status, found.reason) == ("UNKNOWN", reasons.EARLIER_TRY_UNANSWERED)


def test_what_may_no_longer_be_repeated_stays_unknown(unanswered: Hands) -> None:
    Campaign.objects.update(is_active=False)
    found = again(unanswered, ACCEPTED)
    assert (found.status, found.reason) == ("UNKNOWN", reasons.EARLIER_TRY_UNANSWERED)
    assert found.error_message is not None
    assert "CAMPAIGN_INACTIVE" in found.error_message
    assert unanswered.take() == []
