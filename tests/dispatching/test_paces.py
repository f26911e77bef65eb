"""A campaign's own pace and the time between messages to one address, over all processes; nobody else is held up."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from dispatching.database import connect
from dispatching.draining import drain_due
from dispatching.models import ContactPace, Dispatch, DueDispatch
from dispatching.pacing import PLACES_AHEAD_S, Pace, share_out, take_places
from dispatching.retention import clean_contact_paces
from dispatching.spacing import space_out, take_turns
from providers.circuits import ProviderCircuit
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, Hands, campaign_with, plan_due
from tests.dispatching.test_engine import link_provider, statuses
from tests.dispatching.vendor import Answer, Vendor, running_vendor
from tests.factories import CampaignFactory

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def seconds(moment: dt.datetime | None) -> float | None:
    return None if moment is None else (moment - START).total_seconds()


# Pure


@given(
    per_minute=st.integers(1, 10_000),
    asks=st.lists(st.tuples(st.lists(st.booleans(), max_size=80), st.floats(0, 5)), min_size=1, max_size=40),
)
def test_over_any_time_no_more_of_a_campaign_leaves_than_its_pace_and_one_second(
    per_minute: int, asks: list[tuple[list[bool], float]]
) -> None:
    pace, gone = Pace(START, LONG_AGO, LONG_AGO), 0
    for have_places, pause in asks:
        places, pace = share_out(pace, per_minute, have_places)
        gone += sum(place is None for place in places)
        assert gone <= per_minute / 60 * ((pace.now - START).total_seconds() + 1) + 1
        later = [place for place in places if place is not None]
        first = [place or START for place, has in zip(places, have_places, strict=True) if has]
        behind = [place for place, has in zip(places, have_places, strict=True) if place and not has]
        assert not (first and behind) or max(first) <= min(behind)
        assert all(pace.now <= place <= pace.now + dt.timedelta(seconds=PLACES_AHEAD_S) for place in later)
        pace = Pace(pace.now + dt.timedelta(seconds=pause), pace.next_at, pace.tail_at)


def test_places_come_one_after_the_other_and_who_comes_later_goes_behind() -> None:
    places, pace = share_out(Pace(START, LONG_AGO, LONG_AGO), 60, [False] * 4)
    assert [seconds(place) for place in places] == [None, 1, 2, 3]
    soon = Pace(START + dt.timedelta(seconds=1), pace.next_at, pace.tail_at)
    places, pace = share_out(soon, 60, [False, True])
    assert [seconds(place) for place in places] == [4, None], "whose place has come goes, whoever asks first"
    late = Pace(START + dt.timedelta(seconds=9), pace.next_at, pace.tail_at)
    places, _ = share_out(late, 60, [False, True, True])
    assert [seconds(place) for place in places] == [11, None, 10], "after a delay the pace is kept all the same"


@given(
    names=st.lists(st.sampled_from("abc"), max_size=20),
    known=st.dictionaries(st.sampled_from("abc"), st.floats(-10, 10), max_size=3),
    spacing=st.floats(0.1, 60),
)
def test_of_each_address_one_goes_at_most_and_what_another_process_has_waits(
    names: list[str], known: dict[str, float], spacing: float
) -> None:
    rows = {key: START + dt.timedelta(seconds=offset) for key, offset in known.items()}
    moments, moved = space_out(rows, names, START, dt.timedelta(seconds=spacing))
    for key in set(names):
        own = [moment for name, moment in zip(names, moments, strict=True) if name == key]
        free = key in known and rows[key] <= START
        assert own.count(None) == free
        assert (key in moved) == free
        assert all(moment is None or moment > START for moment in own)


# A campaign's pace


@pytest.fixture
def other(transactional_db: None) -> Iterator[Hands]:
    made = Hands("sender")
    yield made
    made.close()


def triggers(make_trigger: MakeTrigger, campaign: Any, count: int, **attributes: Any) -> list[Any]:
    return [make_trigger(campaign.name, tenant_id=campaign.tenant_id, **attributes) for _ in range(count)]


def test_processes_share_a_campaigns_pace_and_other_campaigns_of_the_lane_pass(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with(max_messages_per_minute=300)
    quick, _ = campaign_with(tenant=campaign.tenant)
    plan_due(connection, *triggers(make_trigger, campaign, 40))
    hands.plan(connection, *triggers(make_trigger, campaign, 10))
    hands.turn()
    began = time.monotonic()
    while DueDispatch.objects.filter(paced=False).exists():
        other.claim()
        hands.claim()
    first = other.answer(ACCEPTED) + hands.answer(ACCEPTED)
    assert 5 <= first <= 6 + 5 * (time.monotonic() - began), "five a second, and the first second's five"
    waiting = DueDispatch.objects.order_by("due_at")
    assert set(waiting.values_list("paced", flat=True)) == {True}
    assert waiting.count() == 50 - first
    last = waiting.last()
    assert last is not None
    assert (last.due_at - dt.datetime.now(dt.UTC)).total_seconds() < 10, "as long as the pace takes, no longer"
    hands.plan(connection, *triggers(make_trigger, quick, 20))
    assert hands.answer(ACCEPTED) == 20
    deadline = time.monotonic() + 30
    while DueDispatch.objects.exists() and time.monotonic() < deadline:
        if not (hands.claim() + other.claim()):
            time.sleep(0.02)
        hands.answer(ACCEPTED)
        other.answer(ACCEPTED)
    assert statuses() == {"SENT": 70}
    assert 8 <= time.monotonic() - began <= 20


def test_a_raised_pace_and_a_campaign_without_one_cost_nothing_more(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with(max_messages_per_minute=60)
    plan_due(connection, *triggers(make_trigger, campaign, 3))
    assert hands.claim() == 3
    assert hands.answer(ACCEPTED) == 1
    campaign.max_messages_per_minute = None
    campaign.save()
    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
    assert hands.claim() == 2
    assert hands.answer(ACCEPTED) == 2


def test_a_paced_provider_gives_the_tokens_back_that_its_campaigns_pace_left_unused(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with([{"max_messages_per_minute": 1200}], max_messages_per_minute=60)
    plan_due(connection, *triggers(make_trigger, campaign, 10))
    assert hands.claim() == 10
    assert len(hands.take()) == 1
    quick, _ = campaign_with(tenant=campaign.tenant)
    from campaigns.models import CampaignProvider

    CampaignProvider.objects.filter(campaign=quick).update(provider=provider)
    plan_due(connection, *triggers(make_trigger, quick, 15))
    assert hands.claim() == 15, "twenty a second, one of which the other campaign has used"


def test_nobody_waits_for_a_process_that_shares_out_at_this_moment(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with(max_messages_per_minute=60)
    with connection.transaction(), connection.cursor() as cursor:
        take_places(cursor, str(campaign.pk), 60, [])
    plan_due(connection, *triggers(make_trigger, campaign, 3))
    with connect("prism:test:frozen") as frozen, frozen.transaction(), frozen.cursor() as cursor:
        take_places(cursor, str(campaign.pk), 60, [])
        began = time.monotonic()
        assert hands.claim() == 3
        assert time.monotonic() - began < 3
        assert not hands.take()
    assert set(DueDispatch.objects.values_list("paced", flat=True)) == {False}


# One address


def test_two_messages_to_one_address_keep_their_distance_in_one_batch_and_over_processes(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"contact_spacing_ms": 1500}}])
    same = triggers(make_trigger, campaign, 3)
    apart = [
        triggers(make_trigger, campaign, 1, phone_number=f"+55119000000{n:02}", email=f"a{n}@example.com")
        for n in range(5)
    ]
    hands.plan(connection, *same, *[one for (one,) in apart])
    assert not hands.take(), "who must keep a distance is released by the recorder alone"
    hands.turn()
    assert hands.answer(ACCEPTED) == 6
    assert DueDispatch.objects.count() == 2
    plan_due(connection, *triggers(make_trigger, campaign, 1))
    assert other.claim() == 1
    assert not other.take(), "another process has just written to it"
    began = time.monotonic()
    while DueDispatch.objects.exists():
        if not (hands.claim() + other.claim()):
            time.sleep(0.02)
        hands.answer(ACCEPTED)
        other.answer(ACCEPTED)
    assert time.monotonic() - began > 3
    assert statuses() == {"SENT": 9}
    assert ContactPace.objects.count() == 6


def test_one_phone_is_one_address_however_it_is_written(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"contact_spacing_ms": 60_000}}])
    spellings = ("+55 11 98888-7777", "5511988887777", "(11) 98888-7777", "+5511988887776")
    hands.plan(
        connection, *(one for text in spellings for one in triggers(make_trigger, campaign, 1, phone_number=text))
    )
    hands.turn()
    assert hands.answer(ACCEPTED) == 2
    assert DueDispatch.objects.count() == 2


def test_a_message_that_would_have_to_wait_past_its_time_ends_in_time(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"contact_spacing_ms": 60_000}}])
    plan_due(connection, *triggers(make_trigger, campaign, 2))
    DueDispatch.objects.update(not_after=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1))
    assert hands.claim() == 2
    hands.answer(ACCEPTED)
    assert DueDispatch.objects.get().due_at < dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3)
    time.sleep(2.1)
    hands.claim()
    assert statuses() == {"SENT": 1, "EXPIRED": 1}


def test_old_addresses_are_forgotten(connection: psycopg.Connection) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        assert take_turns(cursor, "p", ["a", "b", "a"], 5)[0:2] == [None, None]
    assert clean_contact_paces() == 0
    ContactPace.objects.update(next_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=2))
    assert clean_contact_paces() == 2


# 429, over the real wire


@pytest.fixture
def vendor(settings: Settings) -> Iterator[Vendor]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    with running_vendor() as running:
        yield running


class Bucket:
    """A vendor that takes so many a second, and says 429 to all others."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self.taken: dict[int, int] = {}
        self.refused = 0

    def __call__(self, message: dict[str, object]) -> Answer:
        second = int(time.monotonic())
        self.taken[second] = self.taken.get(second, 0) + 1
        if self.taken[second] > self.per_second:
            self.refused += 1
            return 429, {"error": "slow down"}
        return 200, {"messageId": f"m-{time.monotonic_ns()}"}


def test_a_vendor_that_says_not_so_fast_gets_everything_in_the_end_and_nothing_fails(
    vendor: Vendor, connection: psycopg.Connection, make_trigger: MakeTrigger, transactional_db: None
) -> None:
    campaign = CampaignFactory.create()
    link_provider(campaign, vendor)
    vendor.behave = bucket = Bucket(40)
    plan_due(connection, *triggers(make_trigger, campaign, 200))
    deadline = time.monotonic() + 60
    while DueDispatch.objects.exists() and time.monotonic() < deadline:
        drain_due(max_seconds=10)
    assert statuses() == {"SENT": 200}
    assert bucket.refused
    assert ProviderCircuit.objects.get().reason == "RATE_LIMITED"
    assert max(Dispatch.objects.values_list("attempts", flat=True)) <= 3
