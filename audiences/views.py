"""The API's endpoints for segments and contact attributes."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audiences.attributes import attributes_of
from audiences.models import AttributeDefinition, Segment
from audiences.serializers import AttributeSerializer, SegmentSerializer
from tenants.api.filtering import Filters
from tenants.api.problems import Problem
from tenants.api.views import Changed, Created, Deleted, Listed, Shown


class SegmentFilters(Filters):
    class Meta:
        model = Segment
        fields = ("code", "is_active")


class SegmentViewSet(Listed, Created, Shown, Changed, Deleted):
    model = Segment
    serializer_class = SegmentSerializer
    filterset_class = SegmentFilters


class AttributeFilters(Filters):
    class Meta:
        model = AttributeDefinition
        fields = ("name", "type", "group")


class AttributeViewSet(Listed, Created, Shown, Changed, Deleted):
    """Those that everybody has, and the organisation's own. Only the latter change."""

    model = AttributeDefinition
    serializer_class = AttributeSerializer
    filterset_class = AttributeFilters
    ordering = ("position", "name", "id")
    lookup_value_converter = "int"

    def of_tenant(self, _queryset: QuerySet[Any]) -> QuerySet[Any]:
        return attributes_of(self.identity.id)

    def take(self) -> Any:
        if self.get_object().tenant_id is None:
            raise Problem("forbidden", _("Every organisation has this attribute: it cannot be changed."))
        return super().take()
