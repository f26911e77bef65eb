"""A campaign as the API shows and takes it: the frontend's payload of seed 000 as it is, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Campaign, CampaignProvider, Strategy
from campaigns.provider_rows import ProviderRow
from campaigns.spreading import LEAST_WEIGHT, MOST_WEIGHT
from campaigns.weekdays import format_week_days, parse_week_days
from tenants.api.fields import Choice, Identifier, Owner, Share, Text, Whole
from tenants.api.serializers import StrictModelSerializer, StrictSerializer
from tenants.identity import tenant_of

MAX_PROVIDERS, MAX_SEGMENTS, MAX_DAYS = 50, 200, 7
_MAPPING: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "oneOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"field": {"type": "string"}, "default": {"type": "string", "maxLength": 500}},
                "required": ["field"],
                "additionalProperties": False,
            },
        ]
    },
    "description": "Placeholder → contact attribute; or → the attribute and a text for contacts without it.",
}


@extend_schema_field(_MAPPING)
class FieldMappings(serializers.JSONField):
    """What is wrong with a mapping is told by the campaign's own checks, which know the template."""


@extend_schema_field(
    {
        "oneOf": [
            {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 7}, "maxItems": 7},
            {"type": "string", "pattern": "^([1-7](,[1-7])*)?$"},
        ],
        "description": "1 is Monday, 7 is Sunday: `[1, 2, 3]` or `1,2,3`. Answers have the list.",
    }
)
class WeekDays(serializers.Field[str, Any, list[int], str]):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str | list) or any(isinstance(one, bool | list | dict) for one in data):
            told = _("Days of the week are a list of numbers or a text, as [1, 2, 3] or 1,2,3.")
            raise ValidationError(told, code="invalid_type")
        if isinstance(data, list) and len(data) > MAX_DAYS:
            raise ValidationError(_("A week has seven days."), code="max_length")
        return format_week_days(parse_week_days(data)) if data else ""

    def to_representation(self, value: str) -> list[int]:
        return parse_week_days(value) if value else []


class SegmentIds(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Identifier(), **kwargs)

    def get_attribute(self, instance: Campaign) -> Any:
        return sorted(link.segment_id for link in instance.campaignsegment_set.all())


class ProviderRowSerializer(StrictSerializer):
    type = Text(required=False, allow_blank=True, max_length=50, help_text="May repeat the provider's type.")
    provider_id = Identifier()
    template_id = Identifier()
    field_mappings = FieldMappings(default=dict)
    label = Text(required=False, allow_blank=True, max_length=100)  # type: ignore[assignment]  # hides DRF's, for forms
    order = Whole(required=False, allow_null=True, min_value=0, max_value=32767, help_text="Default: the place here.")
    weight = Whole(
        required=False,
        default=1,
        min_value=LEAST_WEIGHT,
        max_value=MOST_WEIGHT,
        help_text="Its share of the people where the strategy is `weighted`.",
    )

    def to_representation(self, instance: CampaignProvider) -> dict[str, Any]:
        link = getattr(instance, "template_link", None)
        return {
            "type": instance.provider.provider_type,
            "provider_id": str(instance.provider_id),
            "template_id": str(link.template_id) if link else None,
            "field_mappings": link.field_mappings if link else {},
            "label": instance.label,
            "order": instance.order,
            "weight": instance.weight,
        }


class CampaignSerializer(StrictModelSerializer):
    journey_name = Text(source="name", max_length=200, help_text="The key that triggers and facts name it by.")
    week_days = WeekDays(required=False)
    control_group_rate = Share(max_digits=5, decimal_places=2, min_value=0, max_value=100, required=False)
    strategy = Choice(choices=Strategy.choices, required=False)
    max_messages_per_minute = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=10_000_000,
        help_text="Pace of this campaign over all its providers, beside each provider's own. Null: no limit.",
    )
    owner = Owner(required=False, allow_null=True)
    segments = SegmentIds(required=False, max_length=MAX_SEGMENTS)
    providers: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=ProviderRowSerializer(), required=False, max_length=MAX_PROVIDERS, source="campaign_providers"
    )

    class Meta:
        model = Campaign
        fields = (
            *("id", "journey_name", "description", "audience_name", "channel", "external_id"),
            *("start_date", "end_date", "control_group_rate", "dispatch_mode", "trigger_time", "week_days", "timezone"),
            *("strategy", "max_messages_per_minute", "is_active", "ignores_caps", "owner", "segments", "providers"),
            *("control_version", "control_frozen_at", "created_at", "updated_at", "created_by"),
        )
        read_only_fields = ("id", "control_version", "control_frozen_at", "created_at", "updated_at", "created_by")

    def _defaults(self) -> dict[str, Any]:
        """A PUT without providers or segments has none; without a zone it has the organisation's."""
        identity = tenant_of(self.context["request"])
        zone = {"timezone": identity.timezone} if identity else {}
        return {**super()._defaults(), **zone, "campaign_providers": [], "segments": []}


def row_of(values: Mapping[str, Any]) -> ProviderRow:
    return ProviderRow(**{name: value for name, value in values.items() if name in ProviderRow.__struct_fields__})
