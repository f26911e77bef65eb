"""The admin's frame: who gets in, the choice of tenant for the few who have one, and the search over everything."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from tenants.identity import identities_of, tenant_of

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as Base
else:
    from unfold.sites import UnfoldAdminSite as Base


class PrismSite(Base):
    site_title = "Prism"
    site_header = "Prism"
    index_title = _("Home")
    site_url = None
    # Django's own form asks for the staff flag; here belonging to an organisation is what counts.
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and (tenant_of(request) is not None or request.user.is_superuser)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not request.user.is_authenticated:
            return super().login(request, extra_context)
        if self.has_permission(request):
            # Nobody signs in twice: failed attempts are counted while nobody is known yet.
            return HttpResponseRedirect(reverse("admin:index"))
        # Another sign-in changes nothing for somebody whom no organisation has taken in.
        return TemplateResponse(request, "prism/no_organisation_page.html", status=HTTPStatus.FORBIDDEN)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        identity = tenant_of(request)
        several = identity is not None and identity.several
        choices = identities_of(request.user.pk) if several and request.user.pk else []
        return {**super().each_context(request), "tenant": identity, "tenant_choices": choices}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from prism.home.page import home_context  # the rooms' models, which are not there yet when the site is made

        return super().index(request, {**home_context(request), **(extra_context or {})})

    def extra_urls(self) -> list[URLPattern]:
        # The admin's own way out is for those who are in; this one is also for whom no organisation has taken in.
        leave = LogoutView.as_view(template_name="registration/logged_out.html")
        return [path("leave/", leave, name="leave"), path("now/", self.admin_view(_now), name="now")]

    def search(self, request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The command palette's answer. The theme's own would look into every list and remember it across tenants."""
        from prism.searching import find  # the rooms' models, which are not there yet when the site is made

        results = find(request, request.GET.get("s", ""))
        return TemplateResponse(request, "unfold/helpers/command_results.html", {"results": results})


def _now(request: HttpRequest) -> HttpResponse:
    from prism.home.page import now_view  # the same

    return now_view(request)
