"""What a campaign of the seed needs, and its payload as the frontend sends it."""

from __future__ import annotations

from typing import Any

from providers.models import Provider
from templates.models import MessageTemplate
from tenants.models import Tenant
from tests.factories import SEED_MAPPINGS, ProviderFactory, TemplateFactory


def seed_parts(tenant: Tenant) -> tuple[Provider, MessageTemplate]:
    return ProviderFactory.create(tenant=tenant), TemplateFactory.create(tenant=tenant)


def seed_payload(provider: Provider, template: MessageTemplate) -> dict[str, Any]:
    return {
        "journey_name": "black_friday_credit_2024",
        "audience_name": "Clientes Elegíveis",
        "channel": "WHATSAPP",
        "control_group_rate": 10.0,
        "dispatch_mode": "ASYNC",
        "trigger_time": "14:00:00",
        "week_days": [1, 2, 3, 4, 5],
        "providers": [
            {
                "type": "WHATSAPP",
                "provider_id": str(provider.pk),
                "template_id": str(template.pk),
                "field_mappings": dict(SEED_MAPPINGS),
            }
        ],
    }
