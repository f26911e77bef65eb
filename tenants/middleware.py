"""One transaction per signed-in request, with the tenant named in it (architecture, decision 2).

Django's own ATOMIC_REQUESTS ends before a lazy template renders, so a list would come out empty: this one spans the
whole answer. What fails is kept out of the database: Django has made an answer of 400 or more of every exception by
the time it is seen here, and any such answer is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation.trans_real import parse_accept_lang_header
from structlog.contextvars import bound_contextvars, get_contextvars

from tenants.identity import Capability, Identity, default_identity, identities_of, tenant_of
from tenants.models import Role
from tenants.origin import origin
from tenants.scope import tenant_scope

SESSION_KEY = "tenant"
"""Where the session keeps the chosen tenant of a person who belongs to several."""


class TenantMiddleware:
    """Sets `request.tenant` (an Identity or None; read it with `tenants.identity.tenant_of`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if tenant_of(request) is not None:
            # An API key has opened its transaction already (tenants.api.middleware).
            return self.get_response(request)
        user = request.user
        if isinstance(user, AnonymousUser):
            request.tenant = None  # type: ignore[attr-defined]  # ours, see the class
            return self.get_response(request)
        identity = choose_identity(user, request.session.get(SESSION_KEY))
        return answer_within(lambda: acting(user, identity), identity, request, self.get_response)


def answer_within(
    scope: Callable[[], AbstractContextManager[None]],
    identity: Identity | None,
    request: HttpRequest,
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> HttpResponseBase:
    """The answer, made inside a scope that ends with it: kept where it succeeds, rolled back where it does not."""
    request.tenant = identity  # type: ignore[attr-defined]  # ours, see the class
    if identity and not _asks_for_language(request):
        translation.activate(identity.locale)
    key_id = identity.key_id if identity else None
    with origin(path=request.path, request=get_contextvars().get("correlationId"), key=key_id), scope():
        response = get_response(request)
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            transaction.set_rollback(True)
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _stream(iter(response), scope)
    return response


def choose_identity(user: User, wanted: Any) -> Identity | None:
    """The tenant chosen in the session, else the first one; superusers act as administrators, at home by default."""
    identities = identities_of(user.pk)
    chosen = next((one for one in identities if one.id == wanted), identities[0] if identities else None)
    if not user.is_superuser:
        return chosen
    if chosen is None:
        return default_identity(settings.DEFAULT_TENANT, user.pk)
    return msgspec.structs.replace(chosen, role=Role.ADMIN.value)


@contextmanager
def acting(user: User, identity: Identity | None) -> Iterator[None]:
    """Everything inside belongs to one tenant: its rows, its clock, its log lines. Without one nothing is visible."""
    scope = tenant_scope(
        identity.id if identity else None,
        user_id=user.pk,
        operator=identity is not None and identity.can(Capability.OPERATE),
        superuser=user.is_superuser,
    )
    zone = timezone.override(identity.timezone if identity else None)
    with bound_contextvars(tenantId=identity.slug if identity else "-", user_id=user.pk), zone, scope:
        yield


@contextmanager
def acting_by_key(identity: Identity) -> Iterator[None]:
    """The same for a program."""
    scope = tenant_scope(identity.id, operator=identity.can(Capability.OPERATE))
    fields = bound_contextvars(tenantId=identity.slug, api_key_id=identity.key_id)
    with fields, timezone.override(identity.timezone), scope:
        yield


def _stream(content: Iterator[bytes], scope: Callable[[], AbstractContextManager[None]]) -> Iterator[bytes]:
    """A streamed answer is produced after the request's transaction has ended: it opens one of its own."""
    with scope():
        yield from content


def _asks_for_language(request: HttpRequest) -> bool:
    """Whether the reader chose one of our languages, by cookie or in the browser; if not, the tenant's is used."""
    if translation.check_for_language(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
        return True
    for language, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        try:
            translation.get_supported_language_variant(language)
        except LookupError:
            continue
        return True
    return False
