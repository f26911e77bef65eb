"""The API's document and its pages: for whoever has a key or is signed in, or for everybody (API_DOCS_OPEN)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from prism.openapi import build_document
from tenants.api.fields import Text, Whole
from tenants.api.permissions import MayUse
from tenants.api.problem_types import TYPES
from tenants.api.views import TenantView
from tenants.identity import tenant_of

if TYPE_CHECKING:
    from rest_framework.views import APIView

    class SwaggerView(APIView): ...
else:
    SwaggerView = SpectacularSwaggerSplitView


class MayRead(MayUse):
    def has_permission(self, request: Request, view: Any) -> bool:
        return settings.API_DOCS_OPEN or super().has_permission(request, view)


class DocumentView(TenantView):
    """docs/openapi.yaml as JSON, made anew from the code that runs."""

    permission_classes = [MayRead]

    @extend_schema(exclude=True)
    def get(self, _request: Request) -> Response:
        return Response(build_document())


class DocsView(SwaggerView):
    """Swagger UI with its script at an address of its own, so that `script-src 'self'` holds."""

    permission_classes = [AllowAny]
    url_name = "api:schema"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.API_DOCS_OPEN and tenant_of(request) is None:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return super().dispatch(request, *args, **kwargs)


class ProblemTypeSerializer(serializers.Serializer[Any]):
    code = Text()
    status = Whole()
    title = Text()


class ProblemsView(TenantView):
    """Where `type` of every problem leads."""

    authentication_classes = []
    permission_classes = [AllowAny]
    summaries: ClassVar = {"get": "List the kinds of problems"}
    descriptions: ClassVar = {"get": "Codes never change; titles are in the language asked for."}

    @extend_schema(responses=ProblemTypeSerializer(many=True), tags=["problems"], auth=[])
    def get(self, _request: Request) -> Response:
        return Response(
            [
                {"code": kind.code, "status": int(kind.status), "title": str(kind.title)}
                for kind in sorted(TYPES.values(), key=lambda kind: (kind.status, kind.code))
            ]
        )
