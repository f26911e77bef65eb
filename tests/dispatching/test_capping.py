"""Nobody gets more than the caps allow: however many events, batches and processes there are."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import psycopg
import pytest

from campaigns.capping import window_of
from campaigns.models import Campaign
from dispatching import reasons
from dispatching.lanes import Lanes
from dispatching.models import CapCounter, Dispatch, DueDispatch
from dispatching.retention import clean_cap_counters
from outbox.models import OutboxEvent
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.test_planning import campaign_with_provider, plan
from tests.factories import CampaignProviderTemplateFactory, FrequencyCapFactory, ProviderFactory


def statuses(**which: Any) -> list[tuple[str, str]]:
    return sorted(Dispatch.objects.filter(**which).values_list("status", "reason"))


def capped(connection: psycopg.Connection, **cap: Any) -> Campaign:
    campaign = campaign_with_provider()
    FrequencyCapFactory.create(tenant=campaign.tenant, **cap)
    return campaign


REFUSED = ("REFUSED", reasons.FREQUENCY_CAP)
PENDING = ("PENDING", "")


def test_of_one_batch_only_as_many_go_as_the_cap_allows(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = capped(connection, max_messages=2)
    plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(4)), lanes=Lanes())
    assert statuses() == [PENDING, PENDING, REFUSED, REFUSED]
    # What is refused is told, in words and as a fact.
    refused = Dispatch.objects.filter(status="REFUSED").first()
    assert refused is not None
    assert refused.error_message is not None
    assert "2/day" in refused.error_message
    assert OutboxEvent.objects.count() == 2


def test_a_later_batch_goes_on_counting_and_a_full_counter_stays_full(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = capped(connection, max_messages=2)
    for _ in range(3):
        plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    assert statuses() == [PENDING, PENDING, REFUSED]
    assert CapCounter.objects.get().used == 2


def test_people_are_counted_one_by_one(connection: psycopg.Connection, make_trigger: MakeTrigger) -> None:
    campaign = capped(connection, max_messages=1)
    people = ["11111111000191", "22222222000191", "11.111.111/0001-91"]
    triggers = [make_trigger(campaign.name, tenant_id=campaign.tenant_id, tax_identification=one) for one in people]
    plan(connection, *triggers, lanes=Lanes())
    assert statuses() == [PENDING, PENDING, REFUSED]


def test_channels_are_counted_apart_and_a_cap_without_channel_counts_all(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider()
    email = ProviderFactory.create(tenant=campaign.tenant, provider_type="EMAIL", provider_name="Mail")
    CampaignProviderTemplateFactory.create(
        campaign_provider__campaign=campaign, campaign_provider__provider=email, template__channel="EMAIL"
    )
    FrequencyCapFactory.create(tenant=campaign.tenant, channel="WHATSAPP", max_messages=1)
    FrequencyCapFactory.create(tenant=campaign.tenant, channel="", max_messages=3)
    for _ in range(3):
        plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    assert statuses(channel="WHATSAPP") == [PENDING, REFUSED, REFUSED]
    # 1 WhatsApp and 2 e-mails fill the cap of 3: a place that another cap refused was given back.
    assert statuses(channel="EMAIL") == [PENDING, PENDING, REFUSED]


def test_a_campaign_that_ignores_caps_neither_asks_nor_counts(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider(ignores_caps=True)
    FrequencyCapFactory.create(tenant=campaign.tenant, max_messages=1)
    plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(2)), lanes=Lanes())
    assert statuses() == [PENDING, PENDING]
    assert not CapCounter.objects.exists()


def test_another_tenants_cap_and_one_that_is_switched_off_hold_nobody_back(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = capped(connection, max_messages=1, is_active=False)
    FrequencyCapFactory.create(max_messages=1)
    plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(2)), lanes=Lanes())
    assert statuses() == [PENDING, PENDING]


def test_what_is_scheduled_takes_its_place_in_the_period_it_is_due_in(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider(dispatch_mode="ASYNC", trigger_time=dt.time(14), week_days="1,2,3,4,5,6,7")
    FrequencyCapFactory.create(tenant=campaign.tenant, max_messages=1)
    plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(2)), lanes=Lanes())
    assert statuses() == [REFUSED, ("SCHEDULED", "")]
    due = DueDispatch.objects.get()
    first_day, after = window_of("day", due.due_at.astimezone(dt.timezone(dt.timedelta(hours=-3))).date())
    assert CapCounter.objects.get().expires_on == after
    assert first_day < after


def test_a_lowered_limit_takes_nothing_back(connection: psycopg.Connection, make_trigger: MakeTrigger) -> None:
    campaign = capped(connection, max_messages=3)
    for _ in range(3):
        plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    campaign.tenant.frequencycap_set.update(max_messages=1)
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    assert statuses() == [PENDING, PENDING, PENDING, REFUSED]
    assert CapCounter.objects.get().used == 3


@pytest.mark.django_db(transaction=True)
def test_processes_that_plan_at_the_same_time_share_one_count(make_trigger: MakeTrigger) -> None:
    from dispatching.database import connect

    campaign = campaign_with_provider()
    FrequencyCapFactory.create(tenant=campaign.tenant, max_messages=5)
    people = ["11111111000191", "22222222000191", "33333333000191"]
    batches = [
        [make_trigger(campaign.name, tenant_id=campaign.tenant_id, tax_identification=one) for one in order * 2]
        for order in (people, people[::-1], people, people[::-1])
    ]
    failures: list[Exception] = []

    def work(triggers: list[Any]) -> None:
        try:
            with connect("test-caps") as own:
                for trigger in triggers[:3], triggers[3:]:
                    plan(own, *trigger, lanes=Lanes())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
            failures.append(error)

    threads = [threading.Thread(target=work, args=[batch]) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for person in people:
        assert statuses(contact_tax_id=person) == [PENDING] * 5 + [REFUSED] * 3


@pytest.mark.parametrize(
    ("period", "day", "first", "after"),
    [
        ("day", "2026-11-20", "2026-11-20", "2026-11-21"),
        ("week", "2026-11-20", "2026-11-16", "2026-11-23"),
        ("week", "2026-11-22", "2026-11-16", "2026-11-23"),
        ("week", "2026-11-23", "2026-11-23", "2026-11-30"),
        ("month", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-29", "2028-02-01", "2028-03-01"),
    ],
)
def test_a_period_is_a_day_a_week_from_monday_or_a_month(period: str, day: str, first: str, after: str) -> None:
    window = window_of(period, dt.date.fromisoformat(day))
    assert window == (dt.date.fromisoformat(first), dt.date.fromisoformat(after))


@pytest.mark.django_db(transaction=True)
def test_counters_of_periods_that_are_over_go() -> None:
    today = dt.date(2026, 11, 20)
    for number, days in enumerate((-2, -1, 0, 3)):
        CapCounter.objects.create(key=f"{number:032x}", used=1, expires_on=today + dt.timedelta(days=days))
    assert clean_cap_counters(today) == 1
    assert CapCounter.objects.count() == 3
