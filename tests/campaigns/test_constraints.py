"""The seed's rules hold in the database too, for whoever writes around the forms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from campaigns.models import Campaign
from tenants.validation import violated_constraint
from tests.factories import (
    CampaignFactory,
    CampaignProviderFactory,
    CampaignProviderTemplateFactory,
    CampaignSegmentFactory,
    SegmentFactory,
    TemplateFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"start_date": dt.date(2026, 11, 30), "end_date": dt.date(2026, 11, 20)}, "campaign_dates_in_order"),
        ({"dispatch_mode": "ASYNC", "week_days": "1"}, "campaign_async_has_calendar"),
        ({"dispatch_mode": "ASYNC", "trigger_time": dt.time(14)}, "campaign_async_has_calendar"),
        ({"control_group_rate": Decimal("100.01")}, "campaign_control_rate_range"),
        ({"control_group_rate": Decimal("-0.01")}, "campaign_control_rate_range"),
        ({"dispatch_mode": "LATER"}, "campaign_dispatch_mode_known"),
        ({"strategy": "random"}, "campaign_strategy_known"),
        ({"week_days": "0"}, "campaign_week_days_iso"),
        ({"week_days": "1, 2"}, "campaign_week_days_iso"),
        ({"week_days": "8"}, "campaign_week_days_iso"),
    ],
)
def test_a_campaign_against_the_rules_is_refused(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        CampaignFactory(**fields)
    assert violated_constraint(caught.value) == constraint


def test_a_rate_keeps_two_decimals() -> None:
    campaign = CampaignFactory(control_group_rate=Decimal("33.33"))
    assert Campaign.objects.get(pk=campaign.pk).control_group_rate == Decimal("33.33")
    with pytest.raises(DatabaseError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(control_group_rate=Decimal(1000))


def _again_with_the_name() -> Any:
    one = CampaignFactory()
    return CampaignFactory(tenant=one.tenant, name=one.name)


def _again_with_the_external_id() -> Any:
    one = CampaignFactory(external_id="crm-1")
    return CampaignFactory(tenant=one.tenant, external_id="crm-1")


def _again_with_the_provider() -> Any:
    one = CampaignProviderFactory()
    return CampaignProviderFactory(campaign=one.campaign, provider=one.provider)


def _again_with_a_template() -> Any:
    one = CampaignProviderTemplateFactory()
    return CampaignProviderTemplateFactory(campaign_provider=one.campaign_provider)


def _again_with_the_segment() -> Any:
    one = CampaignSegmentFactory()
    return CampaignSegmentFactory(campaign=one.campaign, segment=one.segment)


def _again_with_the_segments_code() -> Any:
    one = SegmentFactory()
    return SegmentFactory(tenant=one.tenant, code=one.code, name="Another")


def _again_with_the_segments_name() -> Any:
    one = SegmentFactory()
    return SegmentFactory(tenant=one.tenant, name=one.name)


def _mapping_that_is_a_list() -> Any:
    return CampaignProviderTemplateFactory(field_mappings=["first_name"])


@pytest.mark.parametrize(
    ("again", "constraint"),
    [
        (_again_with_the_name, "campaign_name_once"),
        (_again_with_the_external_id, "campaign_external_id_once"),
        (_again_with_the_provider, "campaign_provider_once"),
        (_again_with_a_template, "campaign_provider_templates_campaign_provider_id_key"),
        (_again_with_the_segment, "campaign_segment_once"),
        (_again_with_the_segments_code, "segment_code_once"),
        (_again_with_the_segments_name, "segment_name_once"),
        (_mapping_that_is_a_list, "field_mappings_object"),
    ],
)
def test_what_may_be_there_once_is_there_once(again: Callable[[], Any], constraint: str) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        again()
    assert violated_constraint(caught.value) == constraint


def test_a_template_in_use_cannot_be_removed_around_the_forms() -> None:
    link = CampaignProviderTemplateFactory()
    with pytest.raises(DatabaseError), transaction.atomic():
        type(link.template).objects.filter(pk=link.template_id).delete()
    free = TemplateFactory()
    with pytest.raises(DatabaseError), transaction.atomic():
        type(free).objects.filter(pk=free.pk).delete()
