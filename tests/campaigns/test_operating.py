"""Campaigns switched, copied and deleted: nothing broken goes live, nothing sent is forgotten."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate
from campaigns.operating import delete_campaign, duplicate_campaign, switch_campaigns
from tests.factories import (
    CampaignFactory,
    CampaignProviderTemplateFactory,
    CampaignSegmentFactory,
    DispatchFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def whole(**fields: object) -> Campaign:
    link = CampaignProviderTemplateFactory(**{f"campaign_provider__campaign__{name}": v for name, v in fields.items()})
    campaign: Campaign = link.campaign_provider.campaign
    return campaign


def test_a_campaign_is_switched_and_its_editors_notice() -> None:
    campaign = whole()
    done = switch_campaigns(tenant_id=campaign.tenant_id, campaign_ids=[campaign.pk], active=False)
    stored = Campaign.objects.get()
    assert (done.changed, done.refused, stored.is_active) == ([campaign.pk], {}, False)
    assert stored.updated_at > campaign.updated_at
    again = switch_campaigns(tenant_id=campaign.tenant_id, campaign_ids=[campaign.pk], active=False)
    assert again.changed == []


def test_what_could_not_be_saved_is_not_switched_on() -> None:
    good, broken = whole(is_active=False, name="good"), whole(is_active=False, name="broken")
    empty = CampaignFactory(is_active=False, name="empty", tenant=broken.tenant)
    CampaignProviderTemplate.objects.filter(campaign_provider__campaign=broken).update(field_mappings={"name": "gone"})
    done = switch_campaigns(tenant_id=broken.tenant_id, campaign_ids=[broken.pk, empty.pk, good.pk], active=True)
    assert (done.changed, set(done.refused)) == ([], {"broken", "empty"}), "another tenant's is not even looked at"
    assert any("name → gone" in reason for reason in done.refused["broken"])
    assert switch_campaigns(tenant_id=good.tenant_id, campaign_ids=[good.pk], active=True).changed == [good.pk]


def test_a_copy_has_everything_but_the_identity() -> None:
    source = whole(name="spring", external_id="x-1", control_group_rate=10, dispatch_mode="SYNC")
    segment = CampaignSegmentFactory(campaign=source).segment
    user = UserFactory()
    copy = duplicate_campaign(tenant_id=source.tenant_id, campaign_id=source.pk, by="maria", owner_id=user.pk)
    second = duplicate_campaign(tenant_id=source.tenant_id, campaign_id=source.pk, by="maria")
    assert len({source.name, copy.name, second.name}) == 3
    assert (copy.is_active, copy.external_id, copy.owner_id, copy.created_by) == (False, None, user.pk, "maria")
    assert copy.control_group_rate == 10
    assert copy.control_salt != source.control_salt
    assert copy.segments.get() == segment
    link, theirs = copy.campaign_providers.get(), source.campaign_providers.get()
    assert (link.provider_id, link.label, link.order) == (theirs.provider_id, theirs.label, theirs.order)
    assert link.template_link.field_mappings == theirs.template_link.field_mappings
    assert link.template_link.template_id == theirs.template_link.template_id


def test_a_long_name_leaves_room_for_its_copies() -> None:
    source = CampaignFactory(name="x" * 200)
    names = {duplicate_campaign(tenant_id=source.tenant_id, campaign_id=source.pk, by="m").name for _ in range(3)}
    assert len(names) == 3
    assert all(len(name) <= 200 for name in names)


def test_a_campaign_that_sent_something_stays() -> None:
    dispatch = DispatchFactory()
    with pytest.raises(ValidationError, match=dispatch.campaign.name):
        delete_campaign(tenant_id=dispatch.tenant_id, campaign_id=dispatch.campaign_id)
    unused = whole(tenant=dispatch.campaign.tenant)
    delete_campaign(tenant_id=unused.tenant_id, campaign_id=unused.pk)
    assert Campaign.objects.get() == dispatch.campaign
    assert CampaignProvider.objects.count() == 1


def test_another_tenants_campaign_is_neither_copied_nor_deleted() -> None:
    mine, theirs = whole(), whole()
    for verb in (
        lambda: duplicate_campaign(tenant_id=mine.tenant_id, campaign_id=theirs.pk, by="m"),
        lambda: delete_campaign(tenant_id=mine.tenant_id, campaign_id=theirs.pk),
    ):
        with pytest.raises(Campaign.DoesNotExist):
            verb()
