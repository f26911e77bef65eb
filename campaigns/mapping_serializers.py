"""What is asked and answered about a mapping before it is saved."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.serializers import FieldMappings
from tenants.api.fields import Flag, Identifier, Text, Whole
from tenants.api.serializers import StrictSerializer


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
class ContactAttributes(serializers.JSONField):
    default_error_messages: ClassVar = {"invalid_type": _("An object of attribute and value.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid_type")
        return data


class MappingSerializer(StrictSerializer):
    template_id = Identifier()
    field_mappings = FieldMappings(default=dict)


class PreviewSerializer(MappingSerializer):
    contact_attributes = ContactAttributes(
        required=False, help_text="Left out: the examples that the attributes are described with."
    )
    provider_id = Identifier(required=False, allow_null=True, help_text="Its limits are applied.")


class MappingErrorSerializer(serializers.Serializer[Any]):
    code = Text()
    detail = Text()


class MappingVerdictSerializer(serializers.Serializer[Any]):
    valid = Flag()
    placeholders = serializers.ListField(child=Text(), help_text="All of the template, in order of appearance.")
    errors = MappingErrorSerializer(many=True)  # type: ignore[assignment]  # hides DRF's: it only describes


class WordingSerializer(serializers.Serializer[Any]):
    text = Text(help_text="What nothing fills stands there as it is: {{name}}.")
    length = Whole()
    too_long = Flag()
    sms_parts = Whole(help_text="0 for other channels.")


class PreviewedSerializer(serializers.Serializer[Any]):
    complete = Flag(help_text="Whether a contact with these attributes would get it.")
    missing = serializers.ListField(child=Text(), help_text="Attributes that this contact lacks.")
    unmapped = serializers.ListField(child=Text(), help_text="Placeholders that the mapping leaves out.")
    subject = Text()
    body = WordingSerializer()
    variants = WordingSerializer(many=True)
    limit = Whole(allow_null=True, help_text="Characters that channel or provider take; null: no limit.")
