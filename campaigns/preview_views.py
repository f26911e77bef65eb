"""What the campaign's page asks while it is being filled in: the message as it would read, and the next send."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_time
from django.utils.translation import gettext as _

from audiences.attributes import attributes_of, example_contact
from campaigns.models import Campaign, DispatchMode
from campaigns.previewing import preview_message
from campaigns.states import next_send_text
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.identity import tenant_of

CONTACT = "contact_attributes"
MAX_BODY = 300_000


def preview_view(request: HttpRequest) -> HttpResponse:
    """POST {template, provider, mapping, contact}; answers a piece of HTML. Only the tenant's own rows are found."""
    identity = tenant_of(request)
    if request.method != "POST" or identity is None or len(request.body) > MAX_BODY:
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED)
    asked = _decoded(request.body)
    template = _found(MessageTemplate, identity.id, asked.get("template"))
    provider = _found(Provider, identity.id, asked.get("provider"))
    context: dict[str, Any] = {}
    if template is not None:
        attributes, problem = contact_of(identity.id, asked.get("contact"))
        mapping = asked.get("mapping")
        shown = preview_message(
            template,
            mapping=mapping if isinstance(mapping, dict) else {},
            attributes=attributes,
            configuration=provider.configuration if provider else {},
        )
        context = {
            "preview": shown.preview,
            "media_url": template.media_url,
            "problem": problem,
            "missing": shown.missing,
            "unmapped": shown.unmapped,
        }
    return HttpResponse(render_to_string("campaigns/preview.html", context, request))


def contact_of(tenant_id: int, pasted: object) -> tuple[dict[str, Any], str]:
    """The attributes pasted, as an event or alone, else the examples; and what is wrong with the paste."""
    examples: dict[str, Any] = {**example_contact(attributes_of(tenant_id))}
    if not isinstance(pasted, str) or not pasted.strip():
        return examples, ""
    try:
        event = json.loads(pasted)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        return examples, _("This is not valid JSON (line %(line)s): the examples are shown.") % {"line": line}
    attributes = event.get(CONTACT, event) if isinstance(event, dict) else None
    if not isinstance(attributes, dict):
        return examples, _("This is no object of attributes: the examples are shown.")
    return attributes, ""


def next_send_view(request: HttpRequest) -> HttpResponse:
    """GET the fields as typed; {"text": …}, empty while they are incomplete."""
    identity = tenant_of(request)
    if identity is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    return JsonResponse({"text": next_send_text(_typed(request.GET), timezone.now())})


def _typed(data: QueryDict) -> Campaign:
    return Campaign(
        dispatch_mode=data.get("dispatch_mode", DispatchMode.SYNC),
        timezone=data.get("timezone", ""),
        week_days=",".join(data.getlist("week_days")),
        trigger_time=_parsed(parse_time, data.get("trigger_time")),
        start_date=_typed_date(data.get("start_date")),
        end_date=_typed_date(data.get("end_date")),
    )


def _typed_date(text: str | None) -> Any:
    """As the form takes it, in the reader's language."""
    try:
        return forms.DateField(required=False, localize=True).clean(text)
    except ValidationError:
        return _parsed(parse_date, text)


def _parsed(parse: Any, text: str | None) -> Any:
    try:
        return parse(text) if text else None
    except ValueError:
        return None


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


def _found(model: Any, tenant_id: int, pk: object) -> Any:
    if not isinstance(pk, str) or not pk:
        return None
    try:
        return model.objects.filter(tenant_id=tenant_id, pk=pk).first()
    except (ValidationError, ValueError):
        return None
