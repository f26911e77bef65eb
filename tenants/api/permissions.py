"""Whether a key's scopes or a person's role allow what a view does."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from tenants.api.problems import Problem
from tenants.identity import Capability, tenant_of


class MayUse(BasePermission):
    """A view says what it takes: `reads`, `writes`, and `capabilities` of single actions."""

    def has_permission(self, request: Request, view: Any) -> bool:
        identity = tenant_of(request._request)
        if not request.user.is_authenticated or identity is None:
            raise NotAuthenticated
        wanted = capability_of(view, str(request.method))
        if not identity.can(wanted):
            raise Problem("missing_scope", _("This takes the scope “%(scope)s”.") % {"scope": wanted.value})
        return True


def capability_of(view: Any, method: str) -> Capability:
    general = view.reads if method in SAFE_METHODS else view.writes
    found: Capability = getattr(view, "capabilities", {}).get(getattr(view, "action", None), general)
    return found
