"""The API's endpoints for segments and contact attributes."""

from __future__ import annotations

from audiences.models import Segment
from audiences.serializers import SegmentSerializer
from tenants.api.filtering import Filters
from tenants.api.views import Changed, Created, Deleted, Listed, Shown


class SegmentFilters(Filters):
    class Meta:
        model = Segment
        fields = ("code", "is_active")


class SegmentViewSet(Listed, Created, Shown, Changed, Deleted):
    model = Segment
    serializer_class = SegmentSerializer
    filterset_class = SegmentFilters
