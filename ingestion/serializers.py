"""Dead letters as the API shows them: the reason in words, and the event itself one by one."""

from __future__ import annotations

from rest_framework import serializers

from ingestion import reasons
from ingestion.models import RejectedTrigger
from tenants.api.fields import Flag
from tenants.api.serializers import StrictModelSerializer, StrictSerializer

LISTED = (
    "id",
    "code",
    "explanation",
    "path",
    "message",
    "state",
    "journey_name",
    "correlation_id",
    "topic",
    "partition",
    "offset",
    "record_at",
    "raw_size",
    "state_changed_at",
    "state_changed_by",
    "created_at",
)


class RejectedTriggerSerializer(StrictModelSerializer):
    explanation = serializers.SerializerMethodField(help_text="What the code means.")

    def get_explanation(self, rejected: RejectedTrigger) -> str:
        return reasons.explanation(rejected.code)

    class Meta:
        model = RejectedTrigger
        fields = LISTED
        read_only_fields = LISTED


class RejectedTriggerDetailSerializer(RejectedTriggerSerializer):
    """`raw` is text; bytes that are none are written as \\x escapes."""

    what_to_do = serializers.SerializerMethodField(help_text="What usually helps.")
    headers = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        read_only=True,
        help_text="Of the record: name and value.",
    )
    raw = serializers.SerializerMethodField(help_text="The event; at most its first 64 KiB were kept.")

    def get_what_to_do(self, rejected: RejectedTrigger) -> str:
        return reasons.what_to_do(rejected.code)

    def get_raw(self, rejected: RejectedTrigger) -> str:
        return bytes(rejected.raw).decode(errors="backslashreplace")

    class Meta:
        model = RejectedTrigger
        fields = (*LISTED, "what_to_do", "headers", "raw")
        read_only_fields = fields


class ReplaySerializer(StrictSerializer):
    even_if_sent = Flag(
        default=False, help_text="Needed for what a recovery passed over (SKIPPED_IN_RECOVERY): it may have been sent."
    )
