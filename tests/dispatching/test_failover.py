"""Who takes over when a provider of a campaign is in trouble: the next in order, or the others by their weights."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Campaign, CampaignProvider
from campaigns.spreading import in_order_for
from dispatching.models import Dispatch, DueDispatch
from dispatching.rehearsing import rehearse
from outbox.models import OutboxEvent
from providers.circuits import ProviderCircuit
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, REJECTED, UNKNOWN, Hands, campaign_with
from tests.dispatching.test_breakers import let_time_pass, look

REFUSED = Outcome(Kind.CONFIGURATION, reason="UNAUTHORIZED", error="HTTP 401")
THREE: list[dict[str, Any]] = [{"provider_type": "WHATSAPP"}, {"provider_type": "EMAIL"}, {"provider_type": "SMS"}]


class Share:
    def __init__(self, provider_id: str, weight: int) -> None:
        self.provider_id = provider_id
        self.weight = weight


def firsts(people: int, *shares: Share) -> list[str]:
    return [in_order_for(f"person {n}", shares, b"salt")[0].provider_id for n in range(people)]


def chain() -> list[tuple[str, str, str]]:
    return list(Dispatch.objects.order_by("id").values_list("channel", "status", "reason"))


def trouble(provider: Provider, state: str = "open") -> None:
    now = dt.datetime.now(dt.UTC)
    ProviderCircuit.objects.create(
        provider=provider,
        tenant=provider.tenant,
        state=state,
        reason="TIMEOUT",
        since=now,
        probe_at=now + dt.timedelta(seconds=60),
        failures=1,
    )


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    return campaign_with(THREE, strategy="fallback")[0]


@pytest.fixture
def sender(transactional_db: None) -> Iterator[Hands]:
    made = Hands("sender")
    yield made
    made.close()


def of_type(kind: str) -> Provider:
    found: Provider = Provider.objects.get(provider_type=kind)
    return found


# By order


@pytest.mark.parametrize("state", ["open", "paused"])
def test_the_first_provider_that_is_available_takes_it_and_the_others_are_refused_with_their_reason(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, campaign: Campaign, state: str
) -> None:
    trouble(of_type("WHATSAPP"), state)
    look(hands)
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    assert chain() == [("WHATSAPP", "REFUSED", "PROVIDER_UNAVAILABLE"), ("EMAIL", "PENDING", "")]
    assert hands.answer(ACCEPTED) == 1
    assert OutboxEvent.objects.count() == 2


def test_where_none_is_available_it_waits_for_the_first(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, campaign: Campaign
) -> None:
    for provider in Provider.objects.all():
        trouble(provider)
    look(hands)
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    assert chain() == [("WHATSAPP", "PENDING", "")]
    assert hands.claim() == 0


def test_who_asks_whether_a_person_would_get_it_is_told_of_the_one_that_takes_over(
    make_trigger: MakeTrigger, campaign: Campaign
) -> None:
    trouble(of_type("WHATSAPP"))
    with tenant_scope(campaign.tenant_id):
        told = rehearse(make_trigger(campaign.name, tenant_id=campaign.tenant_id), dt.datetime.now(dt.UTC))
    assert told is not None
    assert isinstance(told.outcome, list)
    assert [(draft.channel, draft.reason) for draft in told.outcome] == [
        ("WHATSAPP", "PROVIDER_UNAVAILABLE"),
        ("EMAIL", ""),
    ]


def test_a_provider_that_only_asks_for_less_keeps_its_messages(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, campaign: Campaign
) -> None:
    trouble(of_type("WHATSAPP"), "held")
    look(hands)
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    assert chain() == [("WHATSAPP", "PENDING", "")]
    assert DueDispatch.objects.count() == 1


def test_what_waits_for_a_provider_is_handed_on_when_trouble_comes(
    hands: Hands,
    sender: Hands,
    connection: psycopg.Connection,
    make_trigger: MakeTrigger,
    campaign: Campaign,
) -> None:
    everybody, _ = campaign_with([{"provider_type": "WHATSAPP"}], tenant=campaign.tenant, strategy="all")
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)])
    hands.plan(connection, make_trigger(everybody.name, tenant_id=campaign.tenant_id))
    hands.recorder.releasing = False
    for provider in Provider.objects.filter(provider_type="WHATSAPP"):
        trouble(provider)
    hands.take()
    # As if nothing had been released yet: everything is in the queue.
    requeue()
    look(sender)
    while sender.claim():
        pass
    assert Counter(chain()) == {
        ("WHATSAPP", "REFUSED", "PROVIDER_UNAVAILABLE"): 3,
        ("EMAIL", "PENDING", ""): 3,
        ("WHATSAPP", "PENDING", ""): 1,
    }, "the campaign for every provider waits"
    assert sender.answer(ACCEPTED) == 3
    predecessors = set(Dispatch.objects.filter(channel="EMAIL").values_list("predecessor_id", flat=True))
    assert predecessors == set(Dispatch.objects.filter(status="REFUSED").values_list("id", flat=True))


def requeue() -> None:
    from dispatching.models import SendBatch

    for batch in SendBatch.objects.all():
        for dispatch in Dispatch.objects.filter(id__in=batch.dispatch_ids, status__in=["PENDING", "SCHEDULED"]):
            assert dispatch.not_after is not None
            DueDispatch.objects.create(
                dispatch_id=dispatch.id,
                provider_id=batch.provider_id,
                lane_class=batch.lane_class,
                due_at=dt.datetime.now(dt.UTC),
                not_after=dispatch.not_after,
            )
        batch.delete()


def test_a_contact_that_no_other_provider_can_reach_waits(
    hands: Hands,
    sender: Hands,
    connection: psycopg.Connection,
    make_trigger: MakeTrigger,
    transactional_db: None,
) -> None:
    campaign, _ = campaign_with(THREE[:2], strategy="fallback")
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id, email=None))
    hands.take()
    requeue()
    trouble(of_type("WHATSAPP"))
    look(sender)
    assert sender.claim() == 0
    assert chain() == [("WHATSAPP", "PENDING", "")]


def test_what_may_have_arrived_is_handed_to_nobody(
    hands: Hands, sender: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, transactional_db: None
) -> None:
    campaign, _ = campaign_with(
        [{"provider_type": "WHATSAPP", "knobs": {"idempotent": True}}, THREE[1]], strategy="fallback"
    )
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    hands.answer(UNKNOWN)
    let_time_pass()
    trouble(of_type("WHATSAPP"))
    look(sender)
    assert sender.claim() == 0
    assert chain() == [("WHATSAPP", "PENDING", "TIMEOUT")]


def test_a_refused_configuration_fails_over_where_another_provider_takes_it_and_waits_where_none_does(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, campaign: Campaign
) -> None:
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    hands.answer(REFUSED)
    assert chain() == [("WHATSAPP", "FAILED", "UNAUTHORIZED"), ("EMAIL", "PENDING", "")]
    let_time_pass()
    look(hands)
    hands.claim()
    hands.answer(REFUSED)
    let_time_pass()
    look(hands)
    hands.claim()
    hands.answer(REFUSED)
    assert chain()[1:] == [("EMAIL", "FAILED", "UNAUTHORIZED"), ("SMS", "PENDING", "UNAUTHORIZED")]
    assert DueDispatch.objects.count() == 1


# By weight


@given(
    weights=st.lists(st.integers(1, 1000), min_size=2, max_size=5), gone=st.integers(0, 4), person=st.text(max_size=20)
)
def test_who_drops_out_moves_nobody_else(weights: list[int], gone: int, person: str) -> None:
    shares = [Share(str(index), weight) for index, weight in enumerate(weights)]
    order = [one.provider_id for one in in_order_for(person, shares, b"salt")]
    assert order == [one.provider_id for one in in_order_for(person, shares[::-1], b"salt")], "their places say nothing"
    left = [one for one in shares if one.provider_id != str(gone)]
    assert [one for one in order if one != str(gone)] == [
        one.provider_id for one in in_order_for(person, left, b"salt")
    ]


def test_shares_are_those_of_the_weights_with_all_and_without_one() -> None:
    six, three, one = Share("six", 6), Share("three", 3), Share("one", 1)
    with_all = Counter(firsts(20_000, six, three, one))
    assert with_all["six"] / 20_000 == pytest.approx(0.6, abs=0.02)
    assert with_all["three"] / 20_000 == pytest.approx(0.3, abs=0.02)
    without = Counter(firsts(20_000, three, one))
    assert without["three"] / 20_000 == pytest.approx(0.75, abs=0.02)


def test_other_campaigns_draw_anew() -> None:
    shares = [Share("a", 1), Share("b", 1)]
    same = sum(in_order_for(str(n), shares, b"1")[0] is in_order_for(str(n), shares, b"2")[0] for n in range(4000))
    assert same / 4000 == pytest.approx(0.5, abs=0.05)


def weighted(*weights: int) -> Campaign:
    campaign, providers = campaign_with(THREE[: len(weights)], strategy="weighted")
    for provider, weight in zip(providers, weights, strict=True):
        CampaignProvider.objects.filter(provider=provider).update(weight=weight)
    return campaign


def people(make_trigger: MakeTrigger, campaign: Campaign, count: int) -> list[Any]:
    return [
        make_trigger(campaign.name, tenant_id=campaign.tenant_id, tax_identification=f"{n:014}") for n in range(count)
    ]


def by_person() -> dict[str, str]:
    sent = Dispatch.objects.exclude(status="REFUSED").order_by("id")
    return dict(sent.values_list("contact_tax_id", "channel"))


def test_a_person_gets_one_message_always_from_the_same_provider(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, transactional_db: None
) -> None:
    campaign = weighted(3, 1)
    hands.plan(connection, *people(make_trigger, campaign, 200))
    first = by_person()
    assert Dispatch.objects.count() == 200
    assert Counter(first.values())["WHATSAPP"] == pytest.approx(150, abs=25)
    hands.plan(connection, *people(make_trigger, campaign, 200))
    assert by_person() == first


def test_without_one_provider_its_people_alone_move_and_come_back(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, transactional_db: None
) -> None:
    campaign = weighted(2, 1, 1)
    hands.plan(connection, *people(make_trigger, campaign, 200))
    first = by_person()
    trouble(of_type("WHATSAPP"))
    look(hands)
    hands.plan(connection, *people(make_trigger, campaign, 200))
    during = by_person()
    assert {during[person] for person, channel in first.items() if channel == "WHATSAPP"} == {"EMAIL", "SMS"}
    assert all(during[person] == channel for person, channel in first.items() if channel != "WHATSAPP")
    assert Dispatch.objects.filter(reason="PROVIDER_UNAVAILABLE").count() == Counter(first.values())["WHATSAPP"]
    ProviderCircuit.objects.all().delete()
    look(hands)
    hands.plan(connection, *people(make_trigger, campaign, 200))
    assert by_person() == first


def test_after_a_definite_failure_the_persons_next_provider_takes_it_and_each_is_asked_once(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, transactional_db: None
) -> None:
    campaign = weighted(5, 3, 2)
    hands.plan(connection, *people(make_trigger, campaign, 20))
    for _ in range(4):
        hands.answer(REJECTED)
        let_time_pass()
        while hands.claim():
            pass
    chains: dict[str, list[str]] = {}
    for person, channel in Dispatch.objects.order_by("id").values_list("contact_tax_id", "channel"):
        chains.setdefault(person, []).append(channel)
    assert all(sorted(channels) == ["EMAIL", "SMS", "WHATSAPP"] for channels in chains.values())
    assert len({tuple(channels) for channels in chains.values()}) > 2, "not all go the same way"
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"FAILED"}
