"""Segments and contact attributes as the API shows and takes them."""

from __future__ import annotations

from audiences.models import AttributeDefinition, Segment
from tenants.api.serializers import StrictModelSerializer


class SegmentSerializer(StrictModelSerializer):
    class Meta:
        model = Segment
        fields = ("id", "code", "name", "description", "is_active", "created_at", "created_by")
        read_only_fields = ("id", "created_at", "created_by")


class AttributeSerializer(StrictModelSerializer):
    class Meta:
        model = AttributeDefinition
        fields = ("id", "name", "type", "description", "example", "group", "position")
        read_only_fields = ("id",)
