"""What DRF asks about the caller, answered from what the middleware has found out already."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from tenants.api.middleware import CHALLENGE
from tenants.identity import Identity, tenant_of
from tenants.models import ApiKey


class Program:
    """Stands where Django has a user. It has no row among the people."""

    is_authenticated = is_active = True
    is_anonymous = is_staff = is_superuser = False
    pk = id = None

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def get_username(self) -> str:
        """How history names it: the key's own name tells more than its number."""
        name = ApiKey.objects.filter(pk=self.identity.key_id or 0).values_list("name", flat=True).first()
        return f"API: {name}"[:150]

    def __str__(self) -> str:
        return f"API key {self.identity.key_id}"


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        identity = tenant_of(request._request)
        return (Program(identity), identity) if identity is not None and identity.key_id is not None else None

    def authenticate_header(self, _request: Request) -> str:
        return CHALLENGE["WWW-Authenticate"]


class PersonAuthentication(SessionAuthentication):
    """Whoever is signed in at the admin, with the CSRF token for whatever changes something."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        # What the admin asks of a session (a second factor, say) is asked here too.
        return super().authenticate(request) if admin.site.has_permission(request._request) else None


def name_of(request: Request) -> str:
    """For `created_by`."""
    return str(request.user.get_username())[:150]
