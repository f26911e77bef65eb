"""The admin's frame: who gets in, and the choice of tenant for the few who have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.identity import identities_of, tenant_of

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as Base
else:
    from unfold.sites import UnfoldAdminSite as Base


class PrismSite(Base):
    site_title = "Prism"
    site_header = "Prism"
    index_title = _("Overview")
    site_url = None
    # Django's own form asks for the staff flag; here belonging to an organisation is what counts.
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and (tenant_of(request) is not None or request.user.is_superuser)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        identity = tenant_of(request)
        several = identity is not None and identity.several
        choices = identities_of(request.user.pk) if several and request.user.pk else []
        return {**super().each_context(request), "tenant": identity, "tenant_choices": choices}
