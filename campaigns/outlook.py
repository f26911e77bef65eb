"""What campaigns tell of templates: which of them send one, and what its placeholders read like there."""

from __future__ import annotations

import uuid

from django.urls import reverse

from audiences.attributes import attributes_of, example_contact
from campaigns.choices import attribute_text
from campaigns.mappings import compile_mapping, resolve
from campaigns.models import CampaignProviderTemplate
from templates.models import MessageTemplate
from templates.outlook import Placeholder, Use
from templates.rendering import value_text


class CampaignOutlook:
    def uses(self, template: MessageTemplate) -> list[Use]:
        links = (
            CampaignProviderTemplate.objects.filter(template_id=template.pk)
            .order_by("campaign_provider__campaign__name")
            .values_list(
                "campaign_provider__campaign_id",
                "campaign_provider__campaign__name",
                "campaign_provider__campaign__is_active",
            )
        )
        return [Use(name, _page(campaign_id), active) for campaign_id, name, active in dict.fromkeys(links)]

    def examples(self, template: MessageTemplate) -> dict[str, str]:
        """As the newest campaign maps it; a placeholder that it does not map takes the attribute of its own name."""
        contact = example_contact(attributes_of(template.tenant_id))
        by_name = {name: value_text(contact[name]) for name in template.placeholders if name in contact}
        link = CampaignProviderTemplate.objects.filter(template_id=template.pk).order_by("-created_at").first()
        mapping = compile_mapping(link.field_mappings if link else {}, template.placeholders)
        values, _missing = resolve(mapping, contact)
        return {**{name: text for name, text in by_name.items() if text}, **values}

    def placeholders(self, tenant_id: int) -> list[Placeholder]:
        return [Placeholder(one.name, attribute_text(one)) for one in attributes_of(tenant_id)]


def _page(campaign_id: uuid.UUID) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign_id])
