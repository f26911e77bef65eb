"""What an endpoint over rows of one tenant is made of: pages, ETags, the right to do it, one place for each verb.

A room's view names its model, serializer and ordering, and gives `store` and `remove` its own verbs where it has some.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework import status, views, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.authentication import name_of
from tenants.api.serializers import StrictSerializer
from tenants.api.versions import etag_of, is_known, require_match
from tenants.forms import without_tenant
from tenants.identity import Capability, Identity, tenant_of
from tenants.usage import delete_unused

if TYPE_CHECKING:
    Base = viewsets.GenericViewSet[Any]
else:
    Base = viewsets.GenericViewSet


class TenantView(views.APIView):
    """An endpoint that is not about rows of one model."""

    reads: Capability = Capability.VIEW
    writes: Capability = Capability.EDIT
    renamed: ClassVar[Mapping[str, str]] = {}

    @property
    def identity(self) -> Identity:
        identity = tenant_of(self.request._request)
        assert identity is not None, "MayUse has let nobody else in"
        return identity


class TenantViewSet(Base):
    """Rows of the caller's tenant. Row-level security says the same; here it is said once more."""

    model: ClassVar[type[Model]]
    ordering: tuple[str, ...] = ("-created_at", "-id")
    lookup_value_converter = "uuid"
    reads: Capability = Capability.VIEW
    writes: Capability = Capability.EDIT
    capabilities: ClassVar[Mapping[str, Capability]] = {}
    """Of single actions, where they differ."""
    volatile: tuple[str, ...] = ()
    """Shown fields that change by themselves and are left out of the ETag."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Model fields that have another name here."""

    @property
    def identity(self) -> Identity:
        identity = tenant_of(self.request._request)
        assert identity is not None, "MayUse has let nobody else in"
        return identity

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.model._default_manager.none()
        return self.of_tenant(self.model._default_manager.all())

    def of_tenant(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(tenant_id=self.identity.id)

    def get_object(self, *, lock: bool = False) -> Any:
        queryset = self.get_queryset()
        if lock:
            queryset = queryset.select_for_update(of=("self",))
        row = queryset.filter(**{self.lookup_field: self.kwargs[self.lookup_url_kwarg or self.lookup_field]}).first()
        if row is None:
            raise Http404
        return row

    def show(self, row: Any) -> dict[str, Any]:
        return dict(self.get_serializer(row).data)

    def etag_of(self, shown: Mapping[str, Any]) -> str:
        return etag_of(shown, self.volatile)

    def answer(
        self, row: Any, status_code: int = status.HTTP_200_OK, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The row as it now stands, with its ETag."""
        # What the database itself would refuse at the end is refused now, while it can still be told.
        connection.check_constraints()
        shown = self.show(row)
        return Response(shown, status=status_code, headers={**(headers or {}), "ETag": self.etag_of(shown)})

    def new(self) -> Any:
        by = {"created_by": name_of(self.request)} if hasattr(self.model, "created_by") else {}
        return self.model(tenant_id=self.identity.id, **by)

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        """Write a new or a locked row, or raise a ValidationError with what is wrong; returns it as it now stands."""
        return store_row(row, values)

    def take(self) -> Any:
        """The row that is about to change, locked, in the version that the caller has seen."""
        row = self.get_object(lock=True)
        require_match(self.request, self.etag_of(self.show(row)))
        return row


class Listed(TenantViewSet):
    def list(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class Shown(TenantViewSet):
    def retrieve(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        shown = self.show(self.get_object())
        headers = {"ETag": self.etag_of(shown)}
        if not self.volatile and is_known(request, headers["ETag"]):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
        return Response(shown, headers=headers)


class Created(TenantViewSet):
    def create(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = self.store(self.new(), serializer.validated_data)
        place = f"{request.path}/{getattr(row, self.lookup_field)}"
        return self.answer(row, status.HTTP_201_CREATED, {"Location": place})


class Changed(TenantViewSet):
    def update(self, request: Request, *_args: Any, partial: bool = False, **_kwargs: Any) -> Response:
        row = self.take()
        serializer = self.get_serializer(row, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return self.answer(self.store(row, serializer.validated_data))

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, **{**kwargs, "partial": True})


class Deleted(TenantViewSet):
    def destroy(self, _request: Request, *_args: Any, **_kwargs: Any) -> Response:
        self.remove(self.take())
        connection.check_constraints()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def remove(self, row: Any) -> None:
        delete_unused(row)


def store_row(row: Any, values: Mapping[str, Any]) -> Any:
    """For models whose own checks are all there is."""
    for name, value in values.items():
        setattr(row, name, value)
    try:
        row.full_clean()
    except ValidationError as error:
        raise without_tenant(row, error) from None
    row.save()
    return row


def read_body(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The body as the serializer takes it. Raises what becomes a 422."""
    given = serializer(data=request.data, context={"request": request})
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def take_no_body(request: Request) -> None:
    read_body(StrictSerializer, request)
