"""The organisation, its members and its API keys as the API shows and takes them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from tenants.api.fields import Choice, Text
from tenants.api.serializers import StrictModelSerializer
from tenants.identity import tenant_of
from tenants.keys import SCOPES
from tenants.models import ApiKey, Membership, Tenant


class OrganisationSerializer(StrictModelSerializer):
    class Meta:
        model = Tenant
        fields = ("slug", "name", "timezone", "locale", "person_key_attribute", "second_factor", "created_at")
        read_only_fields = ("slug", "created_at")


class MemberSerializer(StrictModelSerializer):
    username = Text(source="user.username", read_only=True)
    email = Text(source="user.email", read_only=True)
    first_name = Text(source="user.first_name", read_only=True)
    last_name = Text(source="user.last_name", read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "username", "email", "first_name", "last_name", "role", "created_at")
        read_only_fields = ("id", "created_at")
        extra_kwargs = {"role": {"required": True}}


class KeySerializer(StrictModelSerializer):
    scopes = serializers.ListField(
        child=Choice(choices=[(scope, scope) for scope in SCOPES]), allow_empty=False, max_length=len(SCOPES)
    )

    class Meta:
        model = ApiKey
        fields = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")
        read_only_fields = ("id", "prefix", "created_at", "last_used_at", "revoked_at")

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        """Nobody hands on what he has not."""
        identity = tenant_of(self.context["request"])
        if identity is not None and any(not identity.can(scope) for scope in scopes):  # type: ignore[arg-type]  # a StrEnum's value
            raise serializers.ValidationError(_("You cannot give a scope that you do not have."), code="scope_not_held")
        return sorted(set(scopes))


class MintedKeySerializer(KeySerializer):
    key = serializers.SerializerMethodField(help_text="The key itself. It is shown now and never again.")

    class Meta:
        model = ApiKey
        fields = (*KeySerializer.Meta.fields, "key")
        read_only_fields = (*KeySerializer.Meta.read_only_fields, "key")

    def get_key(self, row: Any) -> str:
        return str(row.minted)
