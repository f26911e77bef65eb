from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone, translation

from campaigns.authoring import create_campaign, update_campaign
from campaigns.control import change_rate
from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate
from campaigns.provider_rows import ProviderRow
from providers.models import Provider
from tenants.models import Tenant
from tenants.usage import delete_unused
from tests.factories import (
    SEED_MAPPINGS,
    CampaignFactory,
    CampaignProviderTemplateFactory,
    CampaignSegmentFactory,
    ProviderFactory,
    SegmentFactory,
    TemplateFactory,
    TenantFactory,
)

pytestmark = pytest.mark.django_db

SEED_FIELDS = {
    "name": "black_friday_credit_2024",
    "audience_name": "Clientes Elegíveis",
    "channel": "WHATSAPP",
    "control_group_rate": 10.0,
    "dispatch_mode": "ASYNC",
    "trigger_time": "14:00:00",
    "week_days": [1, 2, 3, 4, 5],
}


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory()


def row(tenant: Tenant, **changes: Any) -> ProviderRow:
    values: dict[str, Any] = {"field_mappings": SEED_MAPPINGS, **changes}
    if "provider_id" not in values:
        values["provider_id"] = ProviderFactory(tenant=tenant).pk
    if "template_id" not in values:
        values["template_id"] = TemplateFactory(tenant=tenant).pk
    return ProviderRow(**values)


def create(tenant: Tenant, **changes: Any) -> Campaign:
    arguments: dict[str, Any] = {"tenant_id": tenant.pk, "fields": SEED_FIELDS, "by": "ana", **changes}
    return create_campaign(**arguments)


def errors_of(tenant: Tenant, **changes: Any) -> dict[str, list[str]]:
    with translation.override("en"), pytest.raises(ValidationError) as caught:
        create(tenant, **changes)
    assert not Campaign.objects.filter(tenant=tenant, name=SEED_FIELDS["name"]).exists()
    return caught.value.message_dict


def test_the_frontends_payload_of_the_seed_is_saved_as_it_is(tenant: Tenant) -> None:
    campaign = create(tenant, providers=[row(tenant, type="WHATSAPP")], segment_ids=[SegmentFactory(tenant=tenant).pk])
    campaign.refresh_from_db()
    assert (campaign.name, campaign.audience_name, campaign.channel) == (
        "black_friday_credit_2024",
        "Clientes Elegíveis",
        "WHATSAPP",
    )
    assert (campaign.week_days, campaign.trigger_time) == ("1,2,3,4,5", dt.time(14))
    assert (campaign.control_group_rate, campaign.created_by) == (Decimal("10.00"), "ana")
    assert (campaign.start_date, campaign.end_date, campaign.strategy) == (None, None, "all")
    link = CampaignProvider.objects.get(campaign=campaign)
    assert (link.order, link.template_link.field_mappings) == (1, SEED_MAPPINGS)
    assert campaign.segments.count() == 1


def test_all_errors_are_told_at_once_each_at_its_place(tenant: Tenant) -> None:
    provider = ProviderFactory(tenant=tenant)
    errors = errors_of(
        tenant,
        fields={**SEED_FIELDS, "start_date": "2026-11-30", "end_date": "2026-11-20", "week_days": [0], "colour": "red"},
        providers=[
            row(tenant, provider_id=provider.pk, type="EMAIL"),
            row(tenant, provider_id=provider.pk, label="x" * 101, order=-1),
            row(tenant, template_id=TemplateFactory(tenant=tenant, channel="EMAIL").pk),
            row(tenant, field_mappings={"name": "fist_name"}),
            row(tenant, provider_id=None, template_id=None),
        ],
        segment_ids=[uuid.UUID(int=7)],
    )
    assert set(errors) == {
        "end_date",
        "week_days",
        "colour",
        "segments",
        "providers.0.type",
        "providers.1.provider_id",
        "providers.1.label",
        "providers.1.order",
        "providers.2.template_id",
        "providers.3.field_mappings",
        "providers.4.provider_id",
        "providers.4.template_id",
    }
    assert "Sunday is 7" in errors["week_days"][0]
    assert "WHATSAPP, not EMAIL" in errors["providers.0.type"][0]
    assert "for EMAIL" in errors["providers.2.template_id"][0]
    assert "fist_name" in " ".join(errors["providers.3.field_mappings"])


def test_what_another_tenant_has_does_not_exist_here(tenant: Tenant) -> None:
    errors = errors_of(
        tenant,
        providers=[row(TenantFactory())],
        segment_ids=[SegmentFactory().pk],
    )
    assert set(errors) == {"providers.0.provider_id", "providers.0.template_id", "segments"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"trigger_time": None}, {"trigger_time"}),
        ({"week_days": ""}, {"week_days"}),
        ({"week_days": []}, {"week_days"}),
        ({"control_group_rate": "100.01"}, {"control_group_rate"}),
        ({"control_group_rate": "0.001"}, {"control_group_rate"}),
        ({"control_group_rate": "ten"}, {"control_group_rate"}),
        ({"dispatch_mode": "LATER"}, {"dispatch_mode"}),
        ({"strategy": "random"}, {"strategy"}),
        ({"timezone": "Mars/Olympus"}, {"timezone"}),
        ({"name": ""}, {"name"}),
        ({"start_date": "soon"}, {"start_date"}),
    ],
)
def test_a_wrong_field_is_told_by_name(tenant: Tenant, changes: dict[str, Any], fields: set[str]) -> None:
    assert set(errors_of(tenant, fields={**SEED_FIELDS, **changes})) == fields


def test_a_journey_name_is_taken_once_per_tenant(tenant: Tenant) -> None:
    create(tenant)
    create(TenantFactory())
    with translation.override("en"), pytest.raises(ValidationError, match="already a campaign"):
        create(tenant)


def test_campaigns_without_external_id_do_not_share_it(tenant: Tenant) -> None:
    for name in ("one", "two"):
        create(tenant, fields={"name": name, "external_id": ""})
    create(tenant, fields={"name": "three", "external_id": "x"})
    with translation.override("en"), pytest.raises(ValidationError, match="external id"):
        create(tenant, fields={"name": "four", "external_id": "x"})


def test_a_change_keeps_the_rows_of_providers_that_stay(tenant: Tenant) -> None:
    stays, goes = row(tenant), row(tenant)
    campaign = create(tenant, providers=[goes, stays], segment_ids=[SegmentFactory(tenant=tenant).pk])
    before = CampaignProvider.objects.get(provider=stays.provider_id).pk
    update_campaign(
        tenant_id=tenant.pk,
        campaign_id=campaign.pk,
        fields={"description": "new"},
        providers=[row(tenant, provider_id=stays.provider_id, template_id=stays.template_id, label="VIP")],
        segment_ids=[],
    )
    link = CampaignProvider.objects.get(campaign=campaign)
    assert (link.pk, link.label, link.order) == (before, "VIP", 1)
    assert CampaignProviderTemplate.objects.count() == 1
    assert not campaign.segments.exists()


def test_what_is_not_given_stays(tenant: Tenant) -> None:
    campaign = create(tenant, providers=[row(tenant)], segment_ids=[SegmentFactory(tenant=tenant).pk])
    update_campaign(tenant_id=tenant.pk, campaign_id=campaign.pk, fields={"is_active": False})
    campaign.refresh_from_db()
    assert (campaign.is_active, campaign.week_days) == (False, "1,2,3,4,5")
    assert campaign.campaign_providers.count() == campaign.segments.count() == 1


def test_a_campaign_of_another_tenant_cannot_be_changed(tenant: Tenant) -> None:
    campaign = create(tenant)
    with pytest.raises(Campaign.DoesNotExist):
        update_campaign(tenant_id=TenantFactory().pk, campaign_id=campaign.pk, fields={"is_active": False})


def test_a_frozen_control_group_gets_a_new_version_with_the_same_salt(tenant: Tenant) -> None:
    campaign = create(tenant)
    # The first dispatch freezes it while the author still has the form open.
    Campaign.objects.filter(pk=campaign.pk).update(control_frozen_at=timezone.now())
    update_campaign(tenant_id=tenant.pk, campaign_id=campaign.pk, fields={"description": "rate stays"})
    campaign.refresh_from_db()
    assert (campaign.control_version, campaign.control_frozen_at is None) == (1, False)
    update_campaign(tenant_id=tenant.pk, campaign_id=campaign.pk, fields={"control_group_rate": "20"})
    changed = Campaign.objects.get(pk=campaign.pk)
    assert (changed.control_version, changed.control_frozen_at) == (2, None)
    assert changed.control_salt == campaign.control_salt


def test_the_rate_changes_freely_until_the_first_dispatch_and_by_version_after(tenant: Tenant) -> None:
    campaign = create(tenant)
    arguments: dict[str, Any] = {"tenant_id": tenant.pk, "campaign_id": campaign.pk}
    assert change_rate(rate=Decimal(30), **arguments) == 1
    Campaign.objects.filter(pk=campaign.pk).update(control_frozen_at=timezone.now())
    assert change_rate(rate=Decimal(30), **arguments) == 1
    assert change_rate(rate=Decimal(40), **arguments) == 2
    assert change_rate(rate=Decimal(40), rerandomise=True, **arguments) == 2
    changed = Campaign.objects.get(pk=campaign.pk)
    assert changed.control_group_rate == Decimal(40)
    assert changed.control_salt != campaign.control_salt
    with pytest.raises(ValidationError):
        change_rate(rate=Decimal(101), **arguments)


def test_the_database_keeps_a_frozen_group_as_it_is() -> None:
    campaign = CampaignFactory(control_frozen_at=timezone.now(), control_group_rate=Decimal(10))
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(control_group_rate=Decimal(20))


def test_a_used_provider_and_a_used_segment_cannot_be_deleted_and_the_message_names_the_campaign() -> None:
    link = CampaignProviderTemplateFactory(campaign_provider__campaign__name="black_friday")
    member = CampaignSegmentFactory(campaign=link.campaign_provider.campaign)
    for used in (link.campaign_provider.provider, member.segment):
        with pytest.raises(ValidationError, match="black_friday"):
            delete_unused(used)
    unused = ProviderFactory()
    delete_unused(unused)
    assert not Provider.objects.filter(pk=unused.pk).exists()


def test_rows_of_two_tenants_cannot_be_tied_together() -> None:
    campaign, provider = CampaignFactory(), ProviderFactory()
    CampaignProvider.objects.create(tenant=campaign.tenant, campaign=campaign, provider=provider)
    # The check comes with COMMIT; here it is asked for.
    with pytest.raises(DatabaseError, match="same_tenant"), transaction.get_connection().cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
