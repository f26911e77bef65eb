"""The API's endpoints for message templates. What is derived and what is versioned is `templates.authoring`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from templates.authoring import save_template
from templates.models import MessageTemplate, TemplateVersion
from templates.notices import notices_of
from templates.previewing import preview_texts
from templates.serializers import (
    RenderedSerializer,
    RenderSerializer,
    TemplateSerializer,
    VersionSerializer,
    WarningsSerializer,
)
from tenants.api.authentication import name_of
from tenants.api.filtering import Filters
from tenants.api.views import Changed, Created, Listed, Shown, read_body
from tenants.identity import Capability

SEED = {
    "template_code": "tpl_bf_offer",
    "template_name": "Black Friday - Oferta de Crédito",
    "channel": "WHATSAPP",
    "body": "Olá {{name}}, chegou a Black Friday! Você tem uma oferta de crédito de {{creditvalue}}"
    " com taxa de {{credittax}}. Aproveite!",
}


class TemplateFilters(Filters):
    search = django_filters.CharFilter(field_name="template_name", lookup_expr="icontains", label="Part of the name.")
    owner = django_filters.CharFilter(field_name="owner__username")

    class Meta:
        model = MessageTemplate
        fields = ("template_code", "channel", "locale", "is_active")


@extend_schema_view(
    create=extend_schema(examples=[OpenApiExample("seed", value=SEED, request_only=True)]),
    preview=extend_schema(
        examples=[OpenApiExample("seed", value={"values": {"name": "João"}}, request_only=True)],
        request=RenderSerializer,
        responses=RenderedSerializer,
    ),
)
class TemplateViewSet(Listed, Created, Shown, Changed):
    """Never deleted: dispatches point at its versions."""

    model = MessageTemplate
    serializer_class = TemplateSerializer
    filterset_class = TemplateFilters
    capabilities: ClassVar = {"preview": Capability.VIEW}
    summaries: ClassVar = {"preview": "Render a template", "warnings": "Warnings about a template"}
    descriptions: ClassVar = {
        "create": "Placeholders are found in the texts. A template is switched off, never deleted.",
        "update": "What a message could show makes the next version; earlier ones stay as they were sent.",
        "preview": "With values by placeholder. With a mapping and a contact: POST /api/mappings/preview.",
        "warnings": "What looks like a placeholder and is none, and campaigns that do not map what it now asks for.",
    }

    def get_queryset(self) -> QuerySet[Any]:
        newest = TemplateVersion.objects.filter(template=OuterRef("pk")).order_by("-number").values("number")[:1]
        queryset: QuerySet[Any] = super().get_queryset().select_related("owner").annotate(version=Subquery(newest))
        return queryset

    def store(self, row: Any, values: Mapping[str, Any]) -> Any:
        for name, value in values.items():
            setattr(row, name, value)
        row.version = save_template(row, by=name_of(self.request)).number
        return row

    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: Any = None) -> Response:  # noqa: ARG002 - the router's
        values = read_body(RenderSerializer, request)["values"]
        row = self.get_object()
        shown = preview_texts(
            subject=row.subject, body=row.body, variants=row.variants, values=values, channel=row.channel
        )
        body, *variants = shown.wordings
        return Response(
            {
                "subject": "".join(piece.text for piece in shown.subject),
                "body": body.plain,
                "variants": [one.plain for one in variants],
                "missing": [name for name in row.placeholders if name not in values],
                "too_long": any(one.over for one in shown.wordings),
                "sms_parts": max(one.sms_parts for one in shown.wordings),
            }
        )

    @extend_schema(responses=WarningsSerializer)
    @action(detail=True, methods=["get"])
    def warnings(self, _request: Request, pk: Any = None) -> Response:  # noqa: ARG002 - the router's
        return Response({"warnings": notices_of(self.get_object())})


class VersionViewSet(Listed):
    model = TemplateVersion
    serializer_class = VersionSerializer
    ordering = ("-number", "-id")
    summaries: ClassVar = {"list": "List the versions of a template"}
    descriptions: ClassVar = {"list": "What was sent, newest first. A version never changes."}

    def get_queryset(self) -> QuerySet[Any]:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset
        mine = MessageTemplate.objects.filter(tenant_id=self.identity.id, pk=self.kwargs["template_id"])
        if not mine.exists():
            raise Http404
        return queryset.filter(template_id=self.kwargs["template_id"])
