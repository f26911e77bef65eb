"""Campaigns that only the demo needs, beside those of the sample tenant."""

from __future__ import annotations

import datetime as dt
from typing import Any

from campaigns.authoring import save_campaign
from campaigns.models import Campaign
from campaigns.provider_rows import ProviderRow
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.models import Tenant

BOTH = "demo_both_channels"
SOON = "demo_in_a_moment"
OFF = "demo_switched_off"
AHEAD = dt.timedelta(seconds=5)

_ROWS = (
    ("Sandbox WhatsApp", "tpl_credit_approved", "WhatsApp"),
    ("Sandbox E-mail", "tpl_credit_approved_email", "E-mail"),
)
_MAPPINGS = {"name": "first_name", "creditvalue": "max_offer_value_formatted", "credittax": "credit_tax"}


def save_demo_campaigns(tenant: Tenant) -> None:
    """One by both providers, one that is switched off, one whose time of day is a few seconds ahead."""
    _save(tenant, BOTH, _ROWS, description="Todos os provedores, na hora")
    _save(tenant, OFF, _ROWS[:1], description="Desligada de propósito", is_active=False)
    schedule_soon(tenant)


def schedule_soon(tenant: Tenant) -> None:
    """Moves the scheduled campaign's time of day to a few seconds from now."""
    moment = dt.datetime.now(dt.UTC) + AHEAD
    if (moment + dt.timedelta(seconds=30)).date() > moment.date():
        # So close to midnight the day would end before a slow machine has sent it: it goes to the new day.
        moment = dt.datetime.combine(moment.date() + dt.timedelta(days=1), dt.time(0, 0, 5), dt.UTC)
    _save(
        tenant,
        SOON,
        _ROWS[:1],
        description="Agendada para daqui a instantes",
        dispatch_mode="ASYNC",
        trigger_time=moment.time().replace(microsecond=0),
        week_days="1,2,3,4,5,6,7",
        timezone="UTC",
    )


def save_campaign_of(tenant: Tenant, name: str, provider: str, code: str, channel: str, description: str) -> None:
    """One at once, by this provider with this template."""
    _save(tenant, name, ((provider, code, channel),), description=description, channel=channel)


def _save(tenant: Tenant, name: str, rows: tuple[tuple[str, str, str], ...], **fields: Any) -> None:
    campaign = Campaign.objects.filter(tenant=tenant, name=name).first() or Campaign(tenant=tenant, created_by="demo")
    save_campaign(
        campaign,
        fields={"name": name, "dispatch_mode": "SYNC", **fields},
        providers=[_row(tenant, *row) for row in rows],
        segment_ids=(),
    )


def _row(tenant: Tenant, provider: str, code: str, label: str) -> ProviderRow:
    template = MessageTemplate.objects.get(tenant=tenant, template_code=code)
    return ProviderRow(
        provider_id=Provider.objects.get(tenant=tenant, provider_name=provider).pk,
        template_id=template.pk,
        field_mappings={name: _MAPPINGS[name] for name in template.placeholders},
        label=label,
    )
