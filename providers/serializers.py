"""Providers, their secrets and checks as the API shows and takes them. Values of secrets go in and never out."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from providers import registry
from providers.circuits import ProviderCircuit, State
from providers.credentials import SECRET_NAME
from providers.models import CheckState, Health, Provider, ProviderSecret, Purpose
from tenants.api.fields import Choice, Flag, Identifier, Moment, Owner, Text, Whole
from tenants.api.serializers import StrictModelSerializer, StrictSerializer

MAX_SECRET = 8000


@extend_schema_field({"type": "object", "additionalProperties": True})
class Configuration(serializers.JSONField):
    """Checked against the vendor's schema by `Provider.clean`, which tells the place of what is wrong."""


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "maxLength": MAX_SECRET}})
class Secrets(serializers.DictField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Text(max_length=MAX_SECRET), **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        wrong = [name for name in values if not SECRET_NAME.fullmatch(name)]
        if wrong:
            told = _("A secret's name has letters, digits, hyphens and underscores, at most 100.")
            raise serializers.ValidationError({name: [told] for name in wrong}, code="invalid_name")
        return values


class CircuitSerializer(serializers.Serializer[Any]):
    state = Choice(choices=State.choices)
    reason = Text()
    since = Moment(allow_null=True)
    next_try = Moment(allow_null=True, help_text="When it goes on, or one message is tried.")


def circuit_shown(circuit: ProviderCircuit | None) -> dict[str, Any]:
    """As people are told it: a provider without trouble has neither reason nor time."""
    state = circuit.state_at(timezone.now()) if circuit is not None else State.CLOSED
    if circuit is None or state is State.CLOSED:
        return {"state": State.CLOSED, "reason": "", "since": None, "next_try": None}
    next_try = None if state is State.HALF_OPEN else circuit.probe_at
    shown = {"state": state, "reason": circuit.reason, "since": circuit.since, "next_try": next_try}
    return dict(CircuitSerializer(shown).data)


class ProviderSerializer(StrictModelSerializer):
    configuration = Configuration(
        required=True,
        help_text="By the vendor's schema: GET /api/provider-vendors. It names credentials, never holds them.",
    )
    owner = Owner(required=False, allow_null=True)
    vendor = serializers.SerializerMethodField(
        help_text="`provider_vendor` of the configuration, or what its type implies."
    )
    health = Choice(choices=Health.choices, read_only=True)
    circuit = serializers.SerializerMethodField(
        help_text="Whether it is used now. `held`: the vendor asked to wait; `half_open`: one message is being tried;"
        " `open` and `paused`: it is not."
    )
    secrets = Secrets(
        required=False,
        write_only=True,
        help_text="Name → value, stored encrypted for the hosts of the configuration. What is left out stays.",
    )

    class Meta:
        model = Provider
        fields = (
            *("id", "provider_type", "provider_name", "vendor", "is_active", "configuration", "secrets"),
            *("max_messages_per_minute", "health", "health_checked_at", "health_message", "connected_at", "circuit"),
            *("owner", "created_at", "updated_at", "created_by"),
        )
        read_only_fields = (
            *("id", "vendor", "health", "health_checked_at", "health_message", "connected_at", "circuit"),
            *("created_at", "updated_at", "created_by"),
        )

    def get_vendor(self, provider: Provider) -> str:
        configuration = provider.configuration
        vendor = registry.vendor_of(provider.provider_type, configuration) if isinstance(configuration, dict) else None
        return vendor if isinstance(vendor, str) else ""

    @extend_schema_field(CircuitSerializer)
    def get_circuit(self, provider: Provider) -> dict[str, Any]:
        return circuit_shown(getattr(provider, "circuit", None))


class SecretSerializer(StrictModelSerializer):
    created_at = Moment(read_only=True, help_text="When its value was entered.")

    class Meta:
        model = ProviderSecret
        fields = ("name", "hosts", "created_at", "created_by")
        read_only_fields = fields


class SecretValueSerializer(StrictSerializer):
    value = Text(max_length=MAX_SECRET, write_only=True)


class CheckSerializer(serializers.Serializer[Any]):
    id = Identifier()
    purpose = Choice(choices=Purpose.choices, help_text="A test, or telling the vendor where to report.")
    state = Choice(choices=CheckState.choices)
    ok = Flag(allow_null=True)
    code = Text()
    summary = Text()
    next_step = Text()
    answer = Text()
    elapsed_ms = Whole(allow_null=True)
    requested_at = Moment()
    requested_by = Text()
    finished_at = Moment(allow_null=True)


class VendorSerializer(serializers.Serializer[Any]):
    vendor = Text()
    provider_types = serializers.ListField(child=Text(), allow_null=True, help_text="Null: any.")
    configuration_schema = serializers.DictField(
        help_text="JSON Schema (2020-12), with titles in the language asked for."
    )
    example = serializers.DictField()
