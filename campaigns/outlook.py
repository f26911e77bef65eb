"""What campaigns tell the rooms below: who uses a template, segment or attribute, and what placeholders read like."""

from __future__ import annotations

import uuid

from django.urls import reverse

from audiences import uses
from audiences.attributes import attributes_of, example_contact
from audiences.models import AttributeDefinition, Segment
from campaigns.choices import attribute_text
from campaigns.mappings import compile_mapping, resolve
from campaigns.models import CampaignProviderTemplate, CampaignSegment
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


def uses_of(row: AttributeDefinition | Segment) -> list[uses.Use]:
    """The campaigns that name it."""
    found = _of_segment(row) if isinstance(row, Segment) else _of_attribute(row)
    return [uses.Use(name, _page(campaign_id)) for campaign_id, name in dict.fromkeys(found)]


def _of_segment(segment: Segment) -> list[tuple[uuid.UUID, str]]:
    links = CampaignSegment.objects.filter(segment_id=segment.pk).order_by("campaign__name")
    return list(links.values_list("campaign_id", "campaign__name"))


def _of_attribute(definition: AttributeDefinition) -> list[tuple[uuid.UUID, str]]:
    links = (
        CampaignProviderTemplate.objects.filter(tenant_id=definition.tenant_id or 0)
        .order_by("campaign_provider__campaign__name")
        .values_list("campaign_provider__campaign_id", "campaign_provider__campaign__name", "field_mappings")
    )
    return [
        (campaign_id, name)
        for campaign_id, name, mapping in links
        if any(one.field == definition.name for one in compile_mapping(mapping, mapping))
    ]


def _page(campaign_id: uuid.UUID) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign_id])
