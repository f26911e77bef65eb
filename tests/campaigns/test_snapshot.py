from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from campaigns.mappings import resolve
from campaigns.models import Campaign
from campaigns.snapshot import load_campaigns
from templates.authoring import save_template
from templates.rendering import render
from tenants.database import connect
from tests.factories import (
    SEED_BODY,
    CampaignFactory,
    CampaignProviderFactory,
    CampaignProviderTemplateFactory,
    ProviderFactory,
    TemplateFactory,
    TenantFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

ATTRIBUTES = {"first_name": "João", "max_offer_value_formatted": "R$ 50.000,00", "credit_tax": "1.99% a.m."}


@pytest.fixture
def cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    with connect("test") as connection, connection.cursor() as cursor:
        yield cursor


def test_a_campaign_is_read_with_all_that_decisions_need(cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
    campaign = CampaignFactory(
        scheduled=True,
        name="black_friday_credit_2024",
        start_date=dt.date(2026, 11, 20),
        end_date=dt.date(2026, 11, 30),
        control_group_rate=Decimal("10.25"),
        tenant=TenantFactory(person_key_attribute="customer_id"),
    )
    link = CampaignProviderTemplateFactory(campaign_provider__campaign=campaign, campaign_provider__label="VIP")
    [plan] = load_campaigns(cursor)
    assert (plan.id, plan.tenant_id, plan.name) == (str(campaign.pk), campaign.tenant_id, "black_friday_credit_2024")
    assert (plan.start_date, plan.end_date) == (dt.date(2026, 11, 20), dt.date(2026, 11, 30))
    assert (plan.rate_basis_points, plan.salt) == (1025, campaign.control_salt.bytes)
    assert (plan.control_version, plan.control_frozen, plan.is_active) == (1, False, True)
    assert (plan.mode, plan.trigger_time, plan.strategy) == ("ASYNC", dt.time(14), "all")
    assert plan.week_days == {1, 2, 3, 4, 5}
    assert (plan.zone, plan.person_key_attribute) == (ZoneInfo("America/Sao_Paulo"), "customer_id")
    [provider] = plan.providers
    assert provider.campaign_provider_id == str(link.campaign_provider_id)
    assert provider.provider_id == str(link.campaign_provider.provider_id)
    assert (provider.template_id, provider.template_code) == (str(link.template_id), link.template.template_code)
    assert provider.template_version_id == str(link.template.versions.get().pk)
    assert (provider.label, provider.order, provider.template_active, provider.subject) == ("VIP", 1, True, None)
    values, missing = resolve(provider.mapping, ATTRIBUTES)
    assert not missing
    assert "R$ 50.000,00" in render(provider.body, values)


def test_the_newest_version_is_what_is_sent_and_its_new_placeholder_is_missing(
    cursor: psycopg.Cursor[tuple[Any, ...]],
) -> None:
    link = CampaignProviderTemplateFactory()
    link.template.body = SEED_BODY + " {{new}}"
    link.template.variants = ["Oi {{name}}"]
    newest = save_template(link.template, by="tests")
    [provider] = load_campaigns(cursor)[0].providers
    assert provider.template_version_id == str(newest.pk)
    assert [variant.names for variant in provider.variants] == [("name",)]
    assert resolve(provider.mapping, ATTRIBUTES)[1] == ["{{new}}"]


def test_providers_go_by_order_and_those_without_a_template_are_left_out(
    cursor: psycopg.Cursor[tuple[Any, ...]],
) -> None:
    campaign = CampaignFactory()
    for order in (3, 1, 2):
        CampaignProviderTemplateFactory(campaign_provider__campaign=campaign, campaign_provider__order=order)
    CampaignProviderFactory(campaign=campaign)
    [plan] = load_campaigns(cursor)
    assert [provider.order for provider in plan.providers] == [1, 2, 3]


def test_a_campaign_of_an_unknown_zone_stops_alone(cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
    broken, fine = CampaignFactory(), CampaignFactory()
    Campaign.objects.filter(pk=broken.pk).update(timezone="Mars/Olympus")
    plans = {plan.id: plan for plan in load_campaigns(cursor)}
    assert not plans[str(broken.pk)].is_active
    assert plans[str(fine.pk)].is_active


def test_loading_takes_three_statements_however_many_campaigns_there_are() -> None:
    tenant = TenantFactory()
    provider, template = ProviderFactory(tenant=tenant), TemplateFactory(tenant=tenant)
    for _ in range(5):
        CampaignProviderTemplateFactory(
            campaign_provider__campaign__tenant=tenant, campaign_provider__provider=provider, template=template
        )
    with connect("test") as connection:
        counting = _CountingCursor(connection)
        plans = load_campaigns(counting)
    assert counting.statements == 3
    # One text is compiled once, however many campaigns send it.
    assert len({id(plan.providers[0].body) for plan in plans}) == 1


class _CountingCursor(psycopg.Cursor[tuple[Any, ...]]):
    statements = 0

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.statements += 1
        return super().execute(*args, **kwargs)
