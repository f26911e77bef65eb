"""The API's endpoints for providers. Rules are `providers.authoring`'s, checks are `providers.checking`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from providers import checking
from providers.authoring import delete_secret, save_provider
from providers.by_vendor import of_vendor
from providers.models import Provider
from providers.registry import TRANSPORTS
from providers.schemas import translated_schema
from providers.serializers import (
    CheckSerializer,
    ProviderSerializer,
    SecretSerializer,
    SecretValueSerializer,
    VendorSerializer,
)
from tenants.api.authentication import name_of
from tenants.api.filtering import Filters
from tenants.api.views import Changed, Created, Deleted, Listed, Shown, TenantView, read_body, take_no_body

EXAMPLE = {
    "provider_type": "WHATSAPP",
    "provider_name": "Gateway WhatsApp - Principal",
    "configuration": {
        "provider_vendor": "gateway",
        "api_url": "https://gateway.example.com/v1",
        "authentication": {"type": "bearer_token", "token_secret": "gateway-token"},
    },
    "secrets": {"gateway-token": "…"},
}


class ProviderFilters(Filters):
    search = django_filters.CharFilter(field_name="provider_name", lookup_expr="icontains", label="Part of the name.")
    owner = django_filters.CharFilter(field_name="owner__username")
    vendor = django_filters.CharFilter(method="of_vendor")
    feature = django_filters.CharFilter(method="with_feature", label="A key of `features` that is true.")

    class Meta:
        model = Provider
        fields = ("provider_type", "provider_name", "is_active", "health")

    def of_vendor(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(of_vendor(value))

    def with_feature(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(configuration__contains={"features": {value: True}})


@extend_schema_view(create=extend_schema(examples=[OpenApiExample("gateway", value=EXAMPLE, request_only=True)]))
class ProviderViewSet(Listed, Created, Shown, Changed, Deleted):
    model = Provider
    serializer_class = ProviderSerializer
    filterset_class = ProviderFilters
    volatile = ("health", "health_checked_at", "health_message", "connected_at", "circuit")
    summaries: ClassVar = {
        "secrets": "List the names of a provider's secrets",
        "put_secret": "Store a secret",
        "remove_secret": "Forget a secret",
        "list_checks": "List the last connection checks",
        "ask_check": "Check the connection",
        "check": "Show a connection check",
    }
    descriptions: ClassVar = {
        "create": "A plaintext credential in the configuration is refused, with its place.",
        "put_secret": "Bound to the hosts that the configuration sends to now; where those change, enter it again.",
        "remove_secret": "Refused while the configuration names it (409).",
        "ask_check": "A worker asks the vendor within seconds: read the check again until its state is `done`.",
        "destroy": "Refused while campaigns use it (409), naming them.",
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().select_related("owner", "circuit")

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        fields = {**values}
        secrets = fields.pop("secrets", None)
        for name, value in fields.items():
            setattr(row, name, value)
        saved = save_provider(row, secrets=secrets, by=name_of(self.request))
        # A changed configuration ends what it was paused for.
        return self.get_queryset().get(pk=saved.pk)

    @extend_schema(responses=SecretSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def secrets(self, _request: Request, pk: Any = None) -> Response:  # noqa: ARG002 - the router's
        stored = self.get_object().secrets.defer("value").order_by("name")
        return Response(SecretSerializer(stored, many=True).data)

    @extend_schema(request=SecretValueSerializer, responses=SecretSerializer)
    @action(detail=True, methods=["put"], url_path="secrets/<slug:name>")
    def put_secret(self, request: Request, pk: Any = None, name: str = "") -> Response:  # noqa: ARG002 - the router's
        value = read_body(SecretValueSerializer, request)["value"]
        provider = self.get_object(lock=True)
        save_provider(provider, secrets={name: value}, by=name_of(request))
        return Response(SecretSerializer(provider.secrets.defer("value").get(name=name)).data)

    @extend_schema(request=None, responses={204: None})
    @put_secret.mapping.delete
    def remove_secret(self, _request: Request, pk: Any = None, name: str = "") -> Response:  # noqa: ARG002 - the router's
        if not delete_secret(self.get_object(lock=True), name):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=CheckSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], url_path="checks", pagination_class=None)
    def list_checks(self, _request: Request, pk: Any = None) -> Response:  # noqa: ARG002 - the router's
        return Response([checking.as_json(check) for check in checking.recent_checks(self.get_object())])

    @extend_schema(request=None, responses={202: CheckSerializer})
    @list_checks.mapping.post
    def ask_check(self, request: Request, pk: Any = None) -> Response:  # noqa: ARG002 - the router's
        take_no_body(request)
        check = checking.request_check(self.get_object(), by=name_of(request))
        place = f"{request.path}/{check.pk}"
        return Response(checking.as_json(check), status=status.HTTP_202_ACCEPTED, headers={"Location": place})

    @extend_schema(responses=CheckSerializer)
    @action(detail=True, methods=["get"], url_path="checks/<uuid:check_id>")
    def check(self, _request: Request, pk: Any = None, check_id: Any = None) -> Response:  # noqa: ARG002 - the router's
        found = self.get_object().checks.filter(pk=check_id).first()
        if found is None:
            raise Http404
        return Response(checking.as_json(found))


class VendorsView(TenantView):
    summaries: ClassVar = {"get": "List the vendors"}
    descriptions: ClassVar = {"get": "What each takes as `configuration`, as a JSON Schema to make a form of."}

    @extend_schema(responses=VendorSerializer(many=True))
    def get(self, _request: Request) -> Response:
        return Response(
            [
                {
                    "vendor": vendor,
                    "provider_types": sorted(one.provider_types) if one.provider_types is not None else None,
                    "configuration_schema": translated_schema(vendor),
                    "example": one.example,
                }
                for vendor, one in sorted(TRANSPORTS.items())
            ]
        )
