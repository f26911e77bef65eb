"""The attributes that a tenant's contacts may have: the seed's own and those it added (CampaignContactAttributes)."""

from __future__ import annotations

from django.db.models import Q

from audiences.models import AttributeDefinition


def attribute_names(tenant_id: int) -> frozenset[str]:
    definitions = AttributeDefinition.objects.filter(Q(tenant_id=tenant_id) | Q(tenant_id=None))
    return frozenset(definitions.values_list("name", flat=True))
