"""Frequency caps over the API."""

from __future__ import annotations

from campaigns.models import FrequencyCap
from tenants.api.filtering import Filters
from tenants.api.serializers import StrictModelSerializer
from tenants.api.views import Changed, Created, Deleted, Listed, Shown


class FrequencyCapSerializer(StrictModelSerializer):
    class Meta:
        model = FrequencyCap
        fields = ("id", "channel", "max_messages", "period", "is_active", "created_at", "created_by")
        read_only_fields = ("id", "created_at", "created_by")


class FrequencyCapFilters(Filters):
    class Meta:
        model = FrequencyCap
        fields = ("channel", "period", "is_active")


class FrequencyCapViewSet(Listed, Created, Shown, Changed, Deleted):
    """At most so many messages per person and period. Campaigns with `ignores_caps` neither ask nor count."""

    model = FrequencyCap
    serializer_class = FrequencyCapSerializer
    filterset_class = FrequencyCapFilters
