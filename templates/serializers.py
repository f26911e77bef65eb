"""Message templates and their versions as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from templates.models import MessageTemplate, TemplateVersion
from tenants.api.fields import Flag, Owner, Text, Whole
from tenants.api.serializers import StrictModelSerializer, StrictSerializer


class TemplateSerializer(StrictModelSerializer):
    owner = Owner(required=False, allow_null=True)
    variants = serializers.ListField(
        child=Text(trim_whitespace=False),
        required=False,
        help_text="Other wordings of the body; each contact keeps one.",
    )
    body = Text(trim_whitespace=False, help_text="Placeholders are written {{name}}.")
    version = Whole(read_only=True, help_text="The number of the newest version: the one that is sent.")

    class Meta:
        model = MessageTemplate
        fields = (
            *("id", "template_code", "template_name", "channel", "locale", "subject", "body", "variants", "media_url"),
            *("placeholders", "is_active", "owner", "version", "created_at", "updated_at", "created_by"),
        )
        read_only_fields = ("id", "placeholders", "created_at", "updated_at", "created_by")


class VersionSerializer(StrictModelSerializer):
    media_url = Text(read_only=True, help_text="Empty where there is none.")

    class Meta:
        model = TemplateVersion
        fields = (
            *("id", "number", "subject", "body", "variants", "media_url", "placeholders", "created_at", "created_by"),
        )
        read_only_fields = fields


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class Values(serializers.DictField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(allow_blank=True, trim_whitespace=False), **kwargs)


class RenderSerializer(StrictSerializer):
    values = Values(default=dict, help_text="By placeholder. What is left out stays as {{name}}.")


class RenderedSerializer(serializers.Serializer[Any]):
    subject = Text()
    body = Text()
    variants = serializers.ListField(child=Text())
    missing = serializers.ListField(child=Text(), help_text="Placeholders without a value.")
    too_long = Flag(help_text="For the channel.")
    sms_parts = Whole(help_text="0 for other channels.")


class WarningsSerializer(serializers.Serializer[Any]):
    warnings = serializers.ListField(child=Text())
