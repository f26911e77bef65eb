"""Asking about a mapping before a campaign is saved with it: is it right, and how would the message read?"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audiences.attributes import attribute_names, attributes_of, example_contact
from campaigns.mapping_serializers import (
    MappingSerializer,
    MappingVerdictSerializer,
    PreviewedSerializer,
    PreviewSerializer,
)
from campaigns.mappings import mapping_errors
from campaigns.previewing import preview_message
from providers.models import Provider
from templates.models import MessageTemplate
from templates.previewing import Piece, Wording
from tenants.api.views import TenantView, read_body
from tenants.identity import Capability
from tenants.validation import Coded

SEED = {
    "template_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "field_mappings": {
        "name": {"field": "first_name", "default": "cliente"},
        "creditvalue": "max_offer_value_formatted",
        "credittax": "credit_tax",
    },
}


class ValidateMappingView(TenantView):
    writes = Capability.VIEW
    summaries: ClassVar = {"post": "Check a mapping"}
    descriptions: ClassVar = {"post": "What a campaign with this template and mapping would be refused for."}

    @extend_schema(
        request=MappingSerializer,
        responses=MappingVerdictSerializer,
        examples=[OpenApiExample("seed", value=SEED, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        given = read_body(MappingSerializer, request)
        template = _template(self.identity.id, given["template_id"])
        found = mapping_errors(template.placeholders, given["field_mappings"], attribute_names(self.identity.id))
        errors = [{"code": getattr(text, "code", "invalid_mapping"), "detail": str(text)} for text in found]
        return Response({"valid": not errors, "placeholders": template.placeholders, "errors": errors})


class PreviewMappingView(TenantView):
    writes = Capability.VIEW
    summaries: ClassVar = {"post": "Preview a message"}
    descriptions: ClassVar = {"post": "The message as this contact would get it, by the code that sends."}

    @extend_schema(
        request=PreviewSerializer,
        responses=PreviewedSerializer,
        examples=[
            OpenApiExample("seed", value={**SEED, "contact_attributes": {"first_name": "João"}}, request_only=True)
        ],
    )
    def post(self, request: Request) -> Response:
        given = read_body(PreviewSerializer, request)
        template = _template(self.identity.id, given["template_id"])
        provider = _provider(self.identity.id, given["provider_id"]) if given.get("provider_id") else None
        attributes = given.get("contact_attributes")
        if attributes is None:
            attributes = example_contact(attributes_of(self.identity.id))
        mapping = given["field_mappings"] if isinstance(given["field_mappings"], dict) else {}
        shown = preview_message(
            template,
            mapping=mapping,
            attributes=attributes,
            configuration=provider.configuration if provider else {},
        )
        body, *variants = shown.preview.wordings
        return Response(
            {
                "complete": not shown.missing and not shown.unmapped,
                "missing": list(shown.missing),
                "unmapped": list(shown.unmapped),
                "subject": text_of(shown.preview.subject),
                "body": wording(body),
                "variants": [wording(one) for one in variants],
                "limit": shown.preview.limit,
            }
        )


def wording(one: Wording) -> dict[str, Any]:
    return {"text": one.plain, "length": one.length, "too_long": one.over, "sms_parts": one.sms_parts}


def text_of(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def _template(tenant_id: int, template_id: Any) -> MessageTemplate:
    template = MessageTemplate.objects.filter(tenant_id=tenant_id, pk=template_id).first()
    if template is None:
        raise ValidationError({"template_id": [Coded(_("There is no such template."), "unknown")]})
    return template


def _provider(tenant_id: int, provider_id: Any) -> Provider:
    provider = Provider.objects.filter(tenant_id=tenant_id, pk=provider_id).first()
    if provider is None:
        raise ValidationError({"provider_id": [Coded(_("There is no such provider."), "unknown")]})
    return provider
