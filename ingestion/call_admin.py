"""Calls of vendors for operators: what came in, what became of it, and having it read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from dispatching.cells import chip, moment
from dispatching.choosing import ChosenRows
from ingestion import call_confirming
from ingestion.models import CallState, WebhookCall
from ingestion.showing import shown_body
from providers.models import Provider
from tenants.identity import Capability, may
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin, of_tenant

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as DropdownFilter
else:
    from unfold.contrib.filters.admin import DropdownFilter

TONES = {CallState.WAITING.value: "info", CallState.DONE.value: "success", CallState.FAILED.value: "danger"}


class ProviderFilter(DropdownFilter):
    """From the providers, not from the calls: no page reads the table for its choices."""

    title = _("provider")
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        mine = of_tenant(Provider.objects.order_by("provider_name"), request)
        return [(str(pk), name) for pk, name in mine.values_list("pk", "provider_name")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {key for key, _name in self.lookup_choices}
        if not self.value():
            return queryset
        return queryset.filter(provider=self.value()) if self.value() in known else queryset.none()


@admin.register(WebhookCall)
class WebhookCallAdmin(ChosenRows, ReadOnlyAdmin):
    list_display = ("at", "situation", "whose", "place", "content")
    list_filter = (ProviderFilter, "state", ("received_at", admin.DateFieldListFilter))
    list_select_related = ("provider",)
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    actions = ("read_again",)
    sortable_by = ()

    class Media:
        css = {"all": ("dispatching/operations.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        match = request.resolver_match
        return found.defer("body") if match and str(match.url_name).endswith("_changelist") else found

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Bodies hold what people wrote, so they are not for everyone."""
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.OPERATE)

    @admin.action(description=_("Have the selected calls read again"), permissions=["operate"])
    def read_again(self, request: HttpRequest, queryset: QuerySet[WebhookCall]) -> HttpResponse:
        ids = queryset.values_list("pk", flat=True)[: call_confirming.BULK + 1]
        return call_confirming.ask(self, request, ids, request.get_full_path())

    def get_urls(self) -> list[Any]:
        deed = path("deed/", self.admin_site.admin_view(self.deed_view), name="ingestion_webhookcall_deed")
        return [deed, *super().get_urls()]

    def deed_view(self, request: HttpRequest) -> HttpResponse:
        """Where the buttons of the page and of the question lead."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return call_confirming.answer(self, request)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """The page of one; there is nothing to change, so there is no form."""
        if request.method != "GET":
            raise PermissionDenied
        call = self.get_object(request, object_id)
        if call is None:
            # Django's own words for it.
            return super().change_view(request, object_id)
        if not self.has_view_permission(request, call):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Vendor's call"),
            "call": call,
            "size": len(call.body),
            "said": self.content(call),
            "body": shown_body(bytes(call.body)),
            "state_tone": TONES[call.state],
            "may_read_again": call.state != CallState.WAITING,
        }
        return TemplateResponse(request, "ingestion/call.html", context)

    @admin.display(description=_("when"))
    def at(self, call: WebhookCall) -> str:
        return moment(call.received_at)

    @admin.display(description=_("state"))
    def situation(self, call: WebhookCall) -> SafeString:
        return chip(call.get_state_display(), TONES[call.state])

    @admin.display(description=_("provider"))
    def whose(self, call: WebhookCall) -> str:
        return call.provider.provider_name

    @admin.display(description=_("address"))
    def place(self, call: WebhookCall) -> SafeString:
        return format_html('<span class="ops-cell">{} /{}</span>', call.method, call.path)

    @admin.display(description=_("what it said"))
    def content(self, call: WebhookCall) -> SafeString | str | Promise:
        if call.error:
            return format_html('<span class="ops-cell ops-two-lines">{}</span>', call.error[:160])
        if call.reports is None:
            return "—"
        if not call.reports:
            return _("no report of a message")
        return ngettext("%(n)d report", "%(n)d reports", call.reports) % {"n": call.reports}
