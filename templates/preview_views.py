"""What the template's page asks while it is being written: how the message reads, and what it holds."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from templates.models import MessageTemplate
from templates.notices import suspicions_of
from templates.outlook import examples_of
from templates.previewing import preview_texts
from templates.rendering import placeholders_of
from tenants.identity import tenant_of

MAX_BODY = 3_000_000


def preview_view(request: HttpRequest) -> HttpResponse:
    """POST {id, channel, subject, body, variants, media_url} as typed; answers a piece of HTML."""
    identity = tenant_of(request)
    if request.method != "POST" or identity is None or len(request.body) > MAX_BODY:
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED)
    template = _typed(_decoded(request.body), identity.id)
    values = examples_of(template)
    context = {
        "preview": preview_texts(
            subject=template.subject,
            body=template.body,
            variants=template.variants,
            values=values,
            channel=template.channel,
        ),
        "media_url": template.media_url,
        "names": template.placeholders,
        "unknown": [name for name in template.placeholders if name not in values],
        "notices": suspicions_of(template),
    }
    return HttpResponse(render_to_string("templates/written.html", context, request))


def _typed(asked: dict[str, Any], tenant_id: int) -> MessageTemplate:
    variants = asked.get("variants")
    template = MessageTemplate(
        tenant_id=tenant_id,
        **{name: str(asked.get(name) or "") for name in ("channel", "subject", "body", "media_url")},
        variants=[str(text) for text in variants if str(text).strip()] if isinstance(variants, list) else [],
    )
    template.placeholders = placeholders_of(template.subject, template.body, *template.variants)
    if asked.get("id"):
        try:
            stored = MessageTemplate.objects.filter(tenant_id=tenant_id, pk=asked["id"]).only("pk").first()
        except (ValidationError, ValueError, TypeError):
            stored = None
        if stored is not None:
            template.pk = stored.pk
    return template


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}
