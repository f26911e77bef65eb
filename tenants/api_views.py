"""The API's endpoints for the organisation, its members and its API keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.problems import Problem
from tenants.api.views import Changed, Created, Deleted, Listed, Shown, take_no_body
from tenants.forms import without_tenant
from tenants.identity import Capability
from tenants.keys import furnish_key
from tenants.models import ApiKey, Membership, Tenant
from tenants.serializers import KeySerializer, MemberSerializer, MintedKeySerializer, OrganisationSerializer


class OrganisationViewSet(Shown, Changed):
    """One row, one address."""

    model = Tenant
    serializer_class = OrganisationSerializer
    writes = Capability.ADMINISTER
    summaries: ClassVar = {
        "retrieve": "Show the organisation",
        "update": "Replace the organisation's settings",
        "partial_update": "Change the organisation's settings",
    }

    def of_tenant(self, _queryset: QuerySet[Any]) -> QuerySet[Any]:
        return Tenant.objects.filter(pk=self.identity.id)

    def get_object(self, *, lock: bool = False) -> Any:
        queryset = self.get_queryset()
        return (queryset.select_for_update() if lock else queryset).get()

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        return _store(row, values)


class MemberViewSet(Listed, Shown, Changed, Deleted):
    """Roles. Who is new is let in by a superuser, who alone sees people of no organisation."""

    model = Membership
    serializer_class = MemberSerializer
    writes = Capability.ADMINISTER
    lookup_value_converter = "int"
    descriptions: ClassVar = {"destroy": "The person stays, and no longer belongs to the organisation."}

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("user")

    def take(self) -> Any:
        row = super().take()
        if row.user_id == self.request.user.pk and not self.request.user.is_superuser:
            raise Problem("forbidden", _("Your own role is changed by somebody else."))
        return row

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        return _store(row, values)


@extend_schema_view(
    create=extend_schema(
        request=KeySerializer,
        responses={201: MintedKeySerializer},
        examples=[OpenApiExample("crm", value={"name": "crm", "scopes": ["view", "operate"]}, request_only=True)],
    )
)
class KeyViewSet(Listed, Created, Shown, Changed, Deleted):
    model = ApiKey
    serializer_class = KeySerializer
    reads = Capability.ADMINISTER
    writes = Capability.ADMINISTER
    volatile = ("last_used_at", "key")
    lookup_value_converter = "int"
    summaries: ClassVar = {"revoke": "Revoke a key"}
    descriptions: ClassVar = {
        "create": "The answer holds the key, this once. Scopes: what you have yourself, at most.",
        "revoke": "From now on it opens nothing. There is no way back.",
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().defer("digest")

    def get_serializer_class(self) -> Any:
        return MintedKeySerializer if hasattr(self, "minted") else KeySerializer

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        if not row._state.adding:
            return _store(row, values)
        for name, value in values.items():
            setattr(row, name, value)
        row.minted = self.minted = furnish_key(row)
        _check(row)
        row.save(force_insert=True)
        return row

    @extend_schema(request=None, responses={200: KeySerializer})
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: Any = None) -> Response:  # noqa: ARG002 - the router's
        take_no_body(request)
        row = self.get_object(lock=True)
        if row.revoked_at is None:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at"])
        return self.answer(row, status.HTTP_200_OK)


def _store(row: Any, values: Mapping[str, Any]) -> Any:
    """The web role may write these columns only."""
    for name, value in values.items():
        setattr(row, name, value)
    _check(row)
    if values:
        row.save(update_fields=list(values))
    return row


def _check(row: Any) -> None:
    try:
        # A digest is never read back.
        row.full_clean(exclude={"digest"})
    except ValidationError as error:
        raise without_tenant(row, error) from None
