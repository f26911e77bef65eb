"""Segments and contact attributes as the API shows and takes them."""

from __future__ import annotations

from rest_framework import serializers

from audiences.models import AttributeDefinition, Segment
from tenants.api.serializers import StrictModelSerializer


class SegmentSerializer(StrictModelSerializer):
    class Meta:
        model = Segment
        fields = ("id", "code", "name", "description", "is_active", "created_at", "created_by")
        read_only_fields = ("id", "created_at", "created_by")


class AttributeSerializer(StrictModelSerializer):
    label = serializers.SerializerMethodField(help_text="For drop-downs.")  # type: ignore[assignment]  # hides DRF's, for forms
    shared = serializers.SerializerMethodField(help_text="Every organisation has it; it cannot be changed.")

    class Meta:
        model = AttributeDefinition
        fields = ("id", "name", "label", "type", "description", "example", "group", "position", "shared")
        read_only_fields = ("id", "label", "shared")

    def get_label(self, definition: AttributeDefinition) -> str:
        return definition.description or definition.name

    def get_shared(self, definition: AttributeDefinition) -> bool:
        return definition.tenant_id is None
