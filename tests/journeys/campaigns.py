"""Campaigns for journeys, written as an author's form writes them."""

from __future__ import annotations

from typing import Any

from campaigns.models import Campaign, CampaignProvider
from providers.models import Provider
from tenants.models import Tenant
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory, ProviderFactory, TenantFactory

NOBODY = "http://127.0.0.1:9"


def tenant() -> Tenant:
    """The one that triggers without a tenant belong to."""
    made: Tenant = TenantFactory.create(slug="default")
    return made


def campaign(name: str, **fields: Any) -> Campaign:
    made: Campaign = CampaignFactory.create(name=name, tenant=tenant(), **fields)
    return made


def provider(url: str = NOBODY, *, kind: str = "WHATSAPP", per_minute: int | None = None, **knobs: Any) -> Provider:
    """A gateway at `url`; `knobs` go into its configuration."""
    configuration = {"provider_vendor": "gateway", "api_url": url, "authentication": {"type": "none"}, **knobs}
    made: Provider = ProviderFactory.create(
        tenant=tenant(), provider_type=kind, configuration=configuration, max_messages_per_minute=per_minute
    )
    return made


def sends(made: Campaign, *providers: Provider) -> list[CampaignProvider]:
    """The campaign sends by these providers, in this order, the seed's text."""
    return [
        CampaignProviderTemplateFactory.create(
            campaign_provider__campaign=made,
            campaign_provider__provider=by,
            campaign_provider__order=order,
            campaign_provider__label=f"{by.provider_type} {order}",
        ).campaign_provider
        for order, by in enumerate(providers, 1)
    ]
