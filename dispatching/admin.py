"""History for people: a list that is fast whatever it is narrowed by, and one page that tells a dispatch."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatching import cells, confirming, queue_admin
from dispatching.bounded import Before, BoundedChangeList
from dispatching.choosing import ChosenRows
from dispatching.filters import CampaignFilter, MadeBetween, ProviderFilter, ReasonFilter, StatusFilter
from dispatching.listing import MadeWithin, searched
from dispatching.models import Dispatch, ScheduledDispatch
from dispatching.telling import RELATED, label_of, tell
from dispatching.wording import detail_of
from tenants.identity import Capability, may
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin, of_tenant

__all__ = ["queue_admin"]

LARGE = ("contact_data", "variables", "message_content", "message_subject", "provider_response")


class HistoryAdmin(ChosenRows, ReadOnlyAdmin):
    """A list over partitions, always newest first: no other order has an index."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:  # noqa: ARG002 - Django's own signature
        return BoundedChangeList


@admin.register(Dispatch)
class DispatchAdmin(HistoryAdmin):
    list_display = ("made", "state", "contact", "campaign", "sender", "why")
    list_filter = (
        ("campaign", CampaignFilter),
        ("status", StatusFilter),
        ("provider", ProviderFilter),
        ReasonFilter,
        MadeWithin,
        ("created_at", MadeBetween),
        Before,
    )
    list_before_template = "dispatching/looked.html"
    search_fields = ("correlation_id",)
    search_help_text = _("Tax id in any form, correlation id, provider's message id, or id of the dispatch; whole.")
    actions = ("replay", "cancel", "settle_as_sent", "settle_as_failed")

    class Media:
        css = {"all": ("dispatching/operations.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        match = request.resolver_match
        if match and str(match.url_name).endswith("_changelist"):
            return found.select_related("campaign", "provider", "campaign_provider").defer(*LARGE)
        return found.select_related(*RELATED)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return searched(request, queryset, search_term), False

    def get_urls(self) -> list[Any]:
        deed = path("deed/", self.admin_site.admin_view(self.deed_view), name="dispatching_dispatch_deed")
        return [deed, *super().get_urls()]

    def deed_view(self, request: HttpRequest) -> HttpResponse:
        """Where the buttons of the pages and of the question lead."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return confirming.answer(self, request)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """The page of one; there is nothing to change, so there is no form."""
        if request.method != "GET":
            raise PermissionDenied
        dispatch = self.get_object(request, object_id)
        if dispatch is None:
            # Django's own words for it.
            return super().change_view(request, object_id)
        if not self.has_view_permission(request, dispatch):
            raise PermissionDenied
        operates = self.has_operate_permission(request)
        why = urlencode({"who": dispatch.correlation_id})
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Dispatch"),
            "dispatch": dispatch,
            "story": tell(dispatch, timezone.now()),
            "label": label_of(dispatch),
            "can_operate": operates,
            "deeds": confirming.deeds_for(dispatch.status) if operates else [],
            "why_url": f"{reverse('why')}?{why}",
        }
        return TemplateResponse(request, "dispatching/page.html", context)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.OPERATE)

    @admin.action(description=_("Send the selected dispatches again"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.REPLAY, request, queryset)

    @admin.action(description=_("Cancel the selected dispatches that wait"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.CANCEL, request, queryset)

    @admin.action(description=_("Settle the selected UNKNOWN ones as sent"), permissions=["operate"])
    def settle_as_sent(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.SENT, request, queryset)

    @admin.action(description=_("Settle the selected UNKNOWN ones as not sent"), permissions=["operate"])
    def settle_as_failed(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.FAILED, request, queryset)

    def _ask(self, deed: confirming.Deed, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        ids = queryset.values_list("pk", flat=True)[: confirming.BULK + 1]
        return confirming.ask(deed, self, request, ids, request.get_full_path())

    @admin.display(description=_("when"))
    def made(self, dispatch: Dispatch) -> str:
        return cells.moment(dispatch.created_at)

    @admin.display(description=_("status"))
    def state(self, dispatch: Dispatch) -> SafeString:
        return cells.status_chip(dispatch.status)

    @admin.display(description=_("contact"))
    def contact(self, dispatch: Dispatch) -> SafeString:
        return cells.contact(dispatch)

    @admin.display(description=_("provider and channel"))
    def sender(self, dispatch: Dispatch) -> SafeString:
        return cells.sender(dispatch)

    @admin.display(description=_("why"))
    def why(self, dispatch: Dispatch) -> SafeString:
        return cells.reason(dispatch.reason, detail_of(dispatch))


class ScheduledChangeList(BoundedChangeList):
    """A view over the history that keeps what was scheduled, which no index tells: the history is looked through."""

    always = True

    def indexed_rows(self, request: HttpRequest) -> QuerySet[Any]:
        return of_tenant(Dispatch.objects.all(), request)


@admin.register(ScheduledDispatch)
class ScheduledDispatchAdmin(HistoryAdmin):
    list_display = ("goes", "state", "campaign", "correlation_id", "processed_at")
    list_filter = (("campaign", CampaignFilter), MadeWithin, Before)
    list_select_related = ("campaign",)
    list_before_template = "dispatching/looked.html"
    search_fields = ("correlation_id",)
    search_help_text = _("Tax id in any form, correlation id, provider's message id, or id of the dispatch; whole.")
    fields = ("status", "scheduled_for", "processed_at", "campaign", "trigger_time", "correlation_id", "error_message")

    class Media:
        css = {"all": ("dispatching/operations.css",)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return searched(request, queryset, search_term, model=Dispatch), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:  # noqa: ARG002 - Django's own signature
        return ScheduledChangeList

    @admin.display(description=_("scheduled for"))
    def goes(self, scheduled: ScheduledDispatch) -> str:
        return cells.moment(scheduled.scheduled_for)

    @admin.display(description=_("status"))
    def state(self, scheduled: ScheduledDispatch) -> SafeString:
        return cells.queue_chip(scheduled.status)
