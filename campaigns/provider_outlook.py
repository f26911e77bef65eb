"""What campaigns tell of providers: which of them send by one."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from campaigns.models import Campaign, CampaignProvider
from providers.models import Provider
from providers.outlook import Use


class ProviderOutlook:
    def uses(self, provider: Provider) -> list[Use]:
        campaigns = Campaign.objects.filter(
            tenant_id=provider.tenant_id,
            pk__in=CampaignProvider.objects.filter(provider=provider).values("campaign_id"),
        ).order_by("-is_active", "name")
        return [
            Use(campaign.name, reverse("admin:campaigns_campaign_change", args=[campaign.pk]), campaign.is_active)
            for campaign in campaigns
        ]

    def count(self) -> Any:
        links = CampaignProvider.objects.filter(provider_id=OuterRef("pk")).order_by().values("provider_id")
        counted = links.annotate(number=Count("campaign_id", distinct=True)).values("number")
        return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
