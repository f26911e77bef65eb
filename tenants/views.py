"""Choosing among several tenants. Nobody with one ever gets here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from tenants.identity import identities_of
from tenants.middleware import SESSION_KEY


@require_POST
def choose_tenant(request: HttpRequest) -> HttpResponse:
    """Keep the choice in the session, if it is one of the person's own; anything else changes nothing."""
    wanted = request.POST.get("tenant", "")
    if request.user.is_authenticated and wanted in {str(one.id) for one in identities_of(request.user.pk)}:
        request.session[SESSION_KEY] = int(wanted)
    return HttpResponseRedirect(reverse("admin:index"))
