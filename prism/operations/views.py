"""Pages that look across the rooms: why somebody got a message or did not, and how everything runs."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from dispatching.gates import Refusal
from dispatching.rehearsing import rehearse
from prism.operations import explaining, glance
from prism.operations.rehearsal_form import RehearsalForm
from prism.operations.searching import find, receipt_of
from tenants.identity import Capability, Identity, may, tenant_of

MOST_CAMPAIGNS = 500


def why(request: HttpRequest) -> HttpResponse:
    """GET answers "why did / didn't?"; POST answers "would?" (pasted attributes do not belong into an address)."""
    identity = _allowed(request, Capability.VIEW)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Why did somebody get it, or not?"),
        "who": request.GET.get("who", "")[:500],
        "chosen": request.GET.get("campaign", ""),
        "campaigns": Campaign.objects.filter(tenant_id=identity.id).order_by("name")[:MOST_CAMPAIGNS],
        "operates": may(request, Capability.OPERATE),
    }
    if request.method == "POST":
        context |= _would(request, identity)
    else:
        context["form"] = RehearsalForm(tenant_id=identity.id, now=timezone.now())
        if context["who"].strip():
            context |= _did(request, identity, context["who"])
    return TemplateResponse(request, "operations/why.html", context)


def operations(request: HttpRequest) -> HttpResponse:
    """How everything runs, for operators; `?fragment` is the part that is asked for again every few seconds."""
    _allowed(request, Capability.OPERATE)
    context = {"glance": glance.look(timezone.now())}
    if "fragment" in request.GET:
        return TemplateResponse(request, "operations/glance_fragment.html", context)
    page = {**admin.site.each_context(request), "title": _("How everything runs"), **context}
    return TemplateResponse(request, "operations/glance.html", page)


def _allowed(request: HttpRequest, capability: Capability) -> Identity:
    identity = tenant_of(request)
    if identity is None or not may(request, capability):
        raise PermissionDenied
    return identity


def _did(request: HttpRequest, identity: Identity, who: str) -> dict[str, Any]:
    found = find(tenant_id=identity.id, term=who, campaign_id=_identifier(request.GET.get("campaign", "")))
    answers = explaining.answers_of(found, timezone.now())
    return {
        "asked": True,
        "found": found,
        "answers": answers,
        "checks": [] if answers else explaining.nothing(found.kind, topic=settings.KAFKA_TRIGGERS_TOPIC),
    }


def _would(request: HttpRequest, identity: Identity) -> dict[str, Any]:
    now = timezone.now()
    form = RehearsalForm(request.POST, tenant_id=identity.id, now=now)
    if not form.is_valid():
        return {"form": form}
    trigger, known = form.cleaned_data["trigger"], form.cleaned_data["known_id"]
    rehearsal = rehearse(trigger, now)
    if rehearsal is None:
        return {"form": form}
    receipt = receipt_of(identity.id, known) if known else None
    if receipt and not receipt.rejected:
        would = [explaining.of_repeat(receipt)]
    elif isinstance(rehearsal.outcome, Refusal):
        would = [explaining.of_refusal(rehearsal.outcome)]
    else:
        would = [explaining.of_draft(draft) for draft in rehearsal.outcome]
    return {"form": form, "would": would, "rehearsal": rehearsal}


def _identifier(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
