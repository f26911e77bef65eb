"""The attributes that a tenant's contacts may have: the seed's own and those it added (CampaignContactAttributes)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from audiences.models import AttributeDefinition, AttributeType


def attributes_of(tenant_id: int) -> QuerySet[AttributeDefinition]:
    """In the order of pages: by position, then name."""
    return AttributeDefinition.objects.filter(Q(tenant_id=tenant_id) | Q(tenant_id=None))


def attribute_names(tenant_id: int) -> frozenset[str]:
    return frozenset(attributes_of(tenant_id).values_list("name", flat=True))


def example_contact(definitions: Iterable[AttributeDefinition]) -> dict[str, str | float]:
    """A contact made of the attributes' examples, typed as a trigger would carry it; those without one are left out."""
    return {one.name: example_value(one) for one in definitions if one.example}


def example_value(definition: AttributeDefinition) -> str | float:
    if definition.type == AttributeType.NUMBER:
        try:
            return float(definition.example)
        except ValueError:
            return definition.example
    return definition.example
