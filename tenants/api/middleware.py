"""Around every request under /api/: who calls, how often, inside which tenant, and every error as a problem.

A key is read before any view runs, so that its tenant's transaction, zone and log fields are those of the whole
request, as they are for a person who is signed in. With a key the session counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from tenants.api.problem_types import OF_STATUS
from tenants.api.problems import CONTENT_TYPE, problem_response
from tenants.api.throttling import Allowance, address_subject, count_request
from tenants.identity import Identity
from tenants.keys import check_key
from tenants.middleware import acting_by_key, answer_within

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="prism"'}
_KEPT = ("Content-Language", "Content-Security-Policy")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def is_api(request: HttpRequest) -> bool:
    return request.path_info == "/api" or request.path_info.startswith("/api/")


class ProblemMiddleware:
    """Stands outside all others: what they, or Django itself, answer as a page is made a problem here."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        response = _refused_body(request) or self.get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST and response.get("Content-Type") != CONTENT_TYPE:
            response = _as_problem(request, response)
        patch_vary_headers(response, ["Accept-Language", "Authorization", "Cookie"])
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class KeyMiddleware:
    """After the one that knows who is signed in, before the one that opens the tenant of the person."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request):
            return self.get_response(request)
        try:
            if "Authorization" in request.headers:
                return self._for_program(request, request.headers["Authorization"])
            return self._for_person(request)
        except (OperationalError, InterfaceError):
            return problem_response("unavailable", headers={"Retry-After": "5"})

    def _for_program(self, request: HttpRequest, credentials: str) -> HttpResponseBase:
        identity = identify(credentials)
        if identity is None:
            # A good key from the same address is none the worse for it.
            allowance = count_request(address_subject(request), settings.API_BAD_KEYS_PER_MINUTE)
            if allowance.exceeded:
                return _refused(allowance)
            return problem_response("unauthenticated", _("This key opens nothing."), headers=CHALLENGE)
        allowance = count_request(f"key:{identity.key_id}", settings.API_REQUESTS_PER_MINUTE)
        if allowance.exceeded:
            return _refused(allowance)
        response = answer_within(lambda: acting_by_key(identity), identity, request, self.get_response)
        return _with(response, allowance)

    def _for_person(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.get_response(request)
        allowance = count_request(f"user:{request.user.pk}", settings.API_REQUESTS_PER_MINUTE)
        return _refused(allowance) if allowance.exceeded else _with(self.get_response(request), allowance)


def identify(credentials: str) -> Identity | None:
    """Who an Authorization header stands for. Nobody learns why it is nobody."""
    scheme, _space, raw = credentials.partition(" ")
    key = check_key(raw.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        return None
    return Identity(
        id=key.tenant_id,
        slug=key.slug,
        name="",
        timezone=key.timezone,
        locale=key.locale,
        role="",
        key_id=key.key_id,
        scopes=key.scopes,
    )


def _refused_body(request: HttpRequest) -> HttpResponseBase | None:
    """Before a byte of it is read. A body of unknown length would be taken for none."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.headers.get("Transfer-Encoding"):
        return HttpResponse(status=HTTPStatus.LENGTH_REQUIRED)
    if length.isdecimal() and int(length) > settings.API_MAX_BODY_BYTES:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return None


def _refused(allowance: Allowance) -> HttpResponseBase:
    detail = _("Ask again in %(seconds)d s.") % {"seconds": allowance.seconds_left}
    return problem_response("too_many_requests", detail, headers=allowance.headers())


def _with(response: HttpResponseBase, allowance: Allowance) -> HttpResponseBase:
    for name, value in allowance.headers().items():
        response.headers[name] = value
    return response


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    server = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    code = OF_STATUS.get(response.status_code, "internal_error" if server else "bad_request")
    # Where the request was stopped before its language was known, the last one of this thread would still be spoken.
    with translation.override(translation.get_language_from_request(request)):
        problem = problem_response(code)
    # What says how to treat the answer stays; what describes the page that it was does not.
    for name, value in response.headers.items():
        if not name.startswith("Content-") or name in _KEPT:
            problem.headers[name] = value
    return problem
