"""The sample that Prism works from: one SYNC and one ASYNC campaign, one gateway provider (the sink), one template.

A process of its own, because it needs Django configured for the database it is to fill: `python -m bench.sample URL`.
"""

from __future__ import annotations

import os
import sys

from bench import events


def load(sink: str) -> None:
    """Into the default tenant, through the same verbs as an author's."""
    from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate, DispatchMode
    from providers.models import Provider
    from templates.authoring import save_template
    from templates.models import MessageTemplate
    from tenants.models import Tenant

    tenant = Tenant.objects.get(slug="default")
    provider = Provider(
        tenant=tenant,
        provider_type=events.CHANNEL,
        provider_name="Bench gateway",
        configuration={"provider_vendor": "gateway", "api_url": sink, "authentication": {"type": "none"}},
    )
    provider.full_clean()
    provider.save()
    template = MessageTemplate(
        tenant=tenant,
        template_code=events.TEMPLATE_CODE,
        template_name="Black Friday",
        channel=events.CHANNEL,
        body=events.BODY,
    )
    save_template(template, by="bench")
    scheduled = {"dispatch_mode": DispatchMode.ASYNC, "trigger_time": "14:00", "week_days": "1,2,3,4,5,6,7"}
    for name, calendar in ((events.JOURNEY, {}), (events.SCHEDULED_JOURNEY, scheduled)):
        campaign = Campaign(tenant=tenant, name=name, **calendar)
        campaign.full_clean()
        campaign.save()
        link = CampaignProvider.objects.create(tenant=tenant, campaign=campaign, provider=provider, label="Bench")
        mapping = CampaignProviderTemplate(
            tenant=tenant, campaign_provider=link, template=template, field_mappings=events.MAPPINGS
        )
        mapping.full_clean()
        mapping.save()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prism.settings")
    import django

    django.setup()
    load(sys.argv[1])
