"""“Test connection” and “Connect webhook” on a provider's page: asked for by POST, followed by a page that polls."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from providers import checking
from providers.listing import TONES
from providers.models import Health, Provider, ProviderCheck, Purpose
from tenants.identity import Capability, may


def may_check(request: HttpRequest) -> bool:
    """Who writes providers, and who keeps them running."""
    return may(request, Capability.EDIT) or may(request, Capability.OPERATE)


def check_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """POST: a check is asked for. A browser without scripts comes back to the page."""
    provider = _provider(model_admin, request, object_id)
    if request.method != "POST" or not may_check(request):
        raise PermissionDenied
    return _asked_for(model_admin, request, provider, Purpose.CHECK)


def register_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """POST: a worker tells the vendor where to report."""
    provider = _provider(model_admin, request, object_id)
    if request.method != "POST" or not may_check(request) or not checking.registers(provider):
        raise PermissionDenied
    return _asked_for(model_admin, request, provider, Purpose.REGISTER)


def _asked_for(model_admin: Any, request: HttpRequest, provider: Provider, purpose: Purpose) -> HttpResponse:
    checking.request_check(provider, by=request.user.get_username(), purpose=purpose)
    if "application/json" in request.headers.get("accept", ""):
        return JsonResponse(state_of(provider), status=202)
    model_admin.message_user(request, _("The test was asked for. Reload in a moment."), messages.INFO)
    return HttpResponseRedirect(reverse("admin:providers_provider_change", args=[quote(str(provider.pk))]))


def checks_view(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    return JsonResponse(state_of(_provider(model_admin, request, object_id)))


def state_of(provider: Provider) -> dict[str, Any]:
    """The panel as data."""
    return {
        "health": {"label": str(Health(provider.health).label), "tone": TONES[Health(provider.health)]},
        "slow_after": checking.SLOW_SECONDS,
        "checks": [{**checking.as_json(check), "when": _when(check)} for check in checking.recent_checks(provider)],
    }


def _when(check: ProviderCheck) -> str:
    """By the organisation's clock, as everything else on the page."""
    asked = localtime(check.requested_at)
    return f"{date_format(asked, 'SHORT_DATE_FORMAT')} {asked:%H:%M:%S}"


def _provider(model_admin: Any, request: HttpRequest, object_id: str) -> Provider:
    provider: Provider | None = model_admin.get_object(request, object_id)
    if provider is None or not model_admin.has_view_permission(request, provider):
        raise Http404
    return provider
