"""Nobody gets past the password alone where a second factor is set up, or asked for by the organisation."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from tenants.identity import Identity, tenant_of
from tenants.signin.second_factor import proven, required

# Open to whoever has given the password: signing out, and the language of the page that asks.
ALWAYS = ("admin:logout", "set_language")


class SecondFactorMiddleware:
    """Inside the person's transaction, outside every page. Programs have keys instead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        identity = tenant_of(request)
        wanted = _wanted(request, identity) if identity and identity.key_id is None else None
        if wanted is None or request.path_info in {reverse(name) for name in (wanted, *ALWAYS)}:
            return self.get_response(request)
        if request.path_info.startswith("/api"):
            return HttpResponse(status=HTTPStatus.FORBIDDEN)
        aim = {"next": request.get_full_path()} if request.method == "GET" else {}
        return HttpResponseRedirect(f"{reverse(wanted)}?{urlencode(aim)}")


def _wanted(request: HttpRequest, identity: Identity) -> str | None:
    """The page that has to be passed first."""
    if identity.factor_id is not None:
        return None if proven(request, identity) else "second-factor-ask"
    return "second-factor-set-up" if required(identity) else None
