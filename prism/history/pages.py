"""The history of changes of the whole organisation, for its administrators. What happened to one row is on its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateFilter

from prism.history.recording import RECORDED
from prism.history.wording import tell
from prism.models import Change
from tenants.filters import OwnDropdownFilter
from tenants.identity import Capability, may, tenant_of
from tenants.models import Membership
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin, of_tenant


class Kind(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        kinds = [(one.kind, capfirst(one.model._meta.verbose_name)) for one in RECORDED]
        return sorted(kinds, key=lambda pair: str(pair[1]))

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class Person(OwnDropdownFilter):
    def field_choices(self, field: Any, request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        people = of_tenant(field.remote_field.model._default_manager.order_by("username"), request)
        return [(person.pk, person.get_full_name() or person.get_username()) for person in people]


class ToldLines(ChangeList):
    """A page of lines, put into words together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.told = tell(self.result_list)


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/prism/change/change_list.html"
    list_filter = (Kind, ("user", Person), ("deed", ChoicesDropdownFilter), ("at", RangeDateFilter))
    list_display = ("at",)
    ordering = ("-at",)
    fields = readonly_fields = ("line",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Change]:
        identity = tenant_of(request)
        if identity is None:
            return Change.objects.none()
        return of_organisation(super().get_queryset(request), identity.id)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002 - by name
        return ToldLines

    @admin.display(description=_("what happened"))
    def line(self, change: Change) -> str:
        return render_to_string("prism/changes.html", {"told": tell([change]), "open": True})

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.ADMINISTER)


def of_organisation(queryset: QuerySet[Change], tenant_id: int) -> QuerySet[Change]:
    """People are shared by organisations: their lines have none."""
    members = Membership.objects.filter(tenant_id=tenant_id)
    people = Q(kind="auth.user", object_id__in=members.values_list(Cast("user_id", TextField()), flat=True))
    return queryset.filter(Q(tenant_id=tenant_id) | people)
