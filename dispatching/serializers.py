"""Dispatches as the API shows them: in lists without what was said, one by one with everything."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dispatching.models import Attempt, Dispatch, ScheduledDispatch
from dispatching.reasons import EXPLANATIONS
from dispatching.statuses import SCHEDULED_STATUSES
from tenants.api.serializers import StrictModelSerializer

_ANY = {"description": "The provider's answer, as it came.", "type": ["object", "array", "string", "number", "null"]}


class Explained(StrictModelSerializer):
    """Ids of what it belongs to, their names, and what its reason means."""

    campaign_name = serializers.CharField(source="campaign.name", default=None, read_only=True, allow_null=True)
    provider_name = serializers.CharField(
        source="provider.provider_name", default=None, read_only=True, allow_null=True
    )
    explanation = serializers.SerializerMethodField(help_text="What the reason means; empty without one.")

    def get_explanation(self, dispatch: Dispatch) -> str:
        return str(EXPLANATIONS.get(dispatch.reason, ""))


LISTED = (
    "id",
    "status",
    "reason",
    "explanation",
    "campaign_id",
    "campaign_name",
    "provider_id",
    "provider_name",
    "channel",
    "dispatch_mode",
    "correlation_id",
    "trace_id",
    "contact_tax_id",
    "destination",
    "attempts",
    "triggered_at",
    "scheduled_for",
    "dispatched_at",
    "created_at",
)


class DispatchSerializer(Explained):
    campaign_id = serializers.UUIDField(read_only=True, allow_null=True)
    provider_id = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = Dispatch
        fields = LISTED
        read_only_fields = LISTED


class AttemptSerializer(StrictModelSerializer):
    provider_response = extend_schema_field(_ANY)(serializers.JSONField)(read_only=True)

    class Meta:
        model = Attempt
        fields = (
            "number",
            "outcome",
            "reason",
            "error_message",
            "provider_response",
            "dispatched_at",
            "returned_at",
            "next_at",
        )
        read_only_fields = fields


class DispatchDetailSerializer(DispatchSerializer):
    """Tries are told where one was not enough; a lone one is told by the dispatch itself."""

    template_id = serializers.UUIDField(read_only=True, allow_null=True)
    template_version_id = serializers.UUIDField(read_only=True, allow_null=True)
    template_code = serializers.CharField(
        source="template.template_code", default=None, read_only=True, allow_null=True
    )
    variables = serializers.DictField(child=serializers.CharField(), read_only=True)
    contact_data = serializers.DictField(read_only=True)
    provider_response = extend_schema_field(_ANY)(serializers.JSONField)(read_only=True)
    tries = serializers.SerializerMethodField()

    @extend_schema_field(AttemptSerializer(many=True))
    def get_tries(self, dispatch: Dispatch) -> Any:
        found = Attempt.objects.filter(dispatch_id=dispatch.pk, tenant_id=dispatch.tenant_id).order_by("id")
        return AttemptSerializer(found, many=True).data

    class Meta:
        model = Dispatch
        fields = (
            *LISTED,
            "trigger_id",
            "predecessor_id",
            "template_id",
            "template_version_id",
            "template_code",
            "message_subject",
            "message_content",
            "media_url",
            "variables",
            "contact_data",
            "error_message",
            "provider_message_id",
            "provider_response",
            "max_attempts",
            "tries",
            "received_at",
            "scheduled_local",
            "not_after",
            "returned_at",
            "version",
        )
        read_only_fields = fields


class ScheduledDispatchSerializer(StrictModelSerializer):
    """Seed 000's columns."""

    campaign_id = serializers.UUIDField(read_only=True, allow_null=True)
    campaign_name = serializers.CharField(source="campaign.name", default=None, read_only=True, allow_null=True)
    dispatch_id = serializers.UUIDField(read_only=True)
    status = serializers.ChoiceField(choices=SCHEDULED_STATUSES, read_only=True)

    class Meta:
        model = ScheduledDispatch
        fields = (
            "id",
            "dispatch_id",
            "campaign_id",
            "campaign_name",
            "correlation_id",
            "contact_tax_id",
            "scheduled_for",
            "trigger_time",
            "status",
            "processed_at",
            "error_message",
        )
        read_only_fields = fields
