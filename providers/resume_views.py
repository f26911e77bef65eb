"""“Resume” on a provider's page: asked first, with what is known about the trouble, then done and journaled."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import structlog
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from providers.circuit_words import told_of
from providers.circuits import circuit_of, resume
from providers.models import Provider
from tenants.identity import Capability, may

log = structlog.get_logger("prism.providers")


def may_resume(request: HttpRequest) -> bool:
    """Who keeps the sending running."""
    return may(request, Capability.OPERATE)


def resume_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET asks, POST does it."""
    provider: Provider | None = model_admin.get_object(request, object_id)
    if provider is None or not model_admin.has_view_permission(request, provider):
        raise Http404
    if not may_resume(request):
        raise PermissionDenied
    back = reverse("admin:providers_provider_change", args=[quote(str(provider.pk))])
    told = told_of(circuit_of(provider), timezone.now())
    if request.method == "POST":
        _carry_out(model_admin, request, provider)
        return HttpResponseRedirect(back)
    if told is None:
        model_admin.message_user(request, _("This provider is in use already."), messages.INFO)
        return HttpResponseRedirect(back)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Resume"),
        "provider": provider,
        "told": told,
        "back": back,
    }
    return TemplateResponse(request, "providers/resume.html", context)


def _carry_out(model_admin: Any, request: HttpRequest, provider: Provider) -> None:
    by = request.user.get_username()
    if not resume(provider.pk, by=by):
        model_admin.message_user(request, _("This provider is in use already."), messages.INFO)
        return
    LogEntry.objects.log_actions(str(request.user.pk), Provider.objects.filter(pk=provider.pk), CHANGE, _("Resumed"))
    log.info("provider_resumed", result="success", metadata={"provider": str(provider.pk), "by": by})
    told = _("“%(name)s” is used again. If the trouble is still there, it stops again by itself.")
    model_admin.message_user(request, told % {"name": provider.provider_name}, messages.SUCCESS)
