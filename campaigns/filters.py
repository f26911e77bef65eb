"""By what the API narrows the list of campaigns."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from campaigns.models import Campaign
from campaigns.states import State, in_state
from tenants.api.filtering import Filters


class CampaignFilters(Filters):
    journey_name = django_filters.CharFilter(field_name="name")
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the journey name.")
    owner = django_filters.CharFilter(field_name="owner__username")
    state = django_filters.ChoiceFilter(choices=State.choices, method="of_state")
    provider = django_filters.UUIDFilter(field_name="campaign_providers__provider_id")
    template = django_filters.UUIDFilter(field_name="campaign_providers__template_link__template_id", distinct=True)
    segment = django_filters.UUIDFilter(field_name="campaignsegment__segment_id")

    class Meta:
        model = Campaign
        fields = ("channel", "dispatch_mode", "external_id", "is_active")

    def of_state(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return in_state(queryset, value)
