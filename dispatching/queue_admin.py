"""Queues for operators: what failed, what nobody knows of, what waits, and who works on it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatching import cells, confirming
from dispatching.choosing import ChosenRows
from dispatching.filters import CampaignFilter, MadeBetween, ProviderFilter, UnsettledReasonFilter
from dispatching.listing import MadeWithin, searched
from dispatching.models import (
    DeadLetter,
    Dispatch,
    DoubtfulDispatch,
    OverdueDelivery,
    QueueBatch,
    QueueDue,
    QueueLane,
    QueueWorker,
    UnsettledDispatch,
)
from dispatching.timeline import lasting
from dispatching.wording import detail_of
from tenants.identity import Capability, may
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin


class DeepPaginator(BoundedPaginator):
    """Counts as far as one deed reaches: these rows are narrow."""

    counted = confirming.BULK


class WithDispatches(ChosenRows, ReadOnlyAdmin):
    """Rows that stand for dispatches: the dispatches of the page are read by their ids, at most 50."""

    paginator = DeepPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 50
    list_display_links = None
    search_fields = ("pk",)
    search_help_text = _("Tax id in any form, correlation id, provider's message id, or id of the dispatch; whole.")

    class Media:
        css = {"all": ("dispatching/operations.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("dispatch", "dispatch__campaign", "provider")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return searched(request, queryset, search_term, model=Dispatch), False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.OPERATE)

    def _ask(self, deed: confirming.Deed, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        ids = queryset.values_list("pk", flat=True)[: confirming.BULK + 1]
        return confirming.ask(deed, self, request, ids, request.get_full_path())

    @admin.display(description=_("contact"))
    def contact(self, row: Any) -> SafeString:
        return cells.contact(dispatch_of(row))

    @admin.display(description=_("campaign"))
    def of_campaign(self, row: Any) -> str:
        dispatch = dispatch_of(row)
        return dispatch.campaign.name if dispatch and dispatch.campaign else "—"


class UnsettledAdmin(WithDispatches):
    list_display = ("at", "contact", "of_campaign", "provider", "why")
    list_filter = (
        ("campaign", CampaignFilter),
        ("provider", ProviderFilter),
        UnsettledReasonFilter,
        MadeWithin,
        ("since", MadeBetween),
    )
    ordering = ("-pk",)

    @admin.display(description=_("when"))
    def at(self, row: UnsettledDispatch) -> SafeString:
        page = reverse("admin:dispatching_dispatch_change", args=[row.pk])
        return format_html('<a href="{}"><b>{}</b></a>', page, cells.moment(row.since))

    @admin.display(description=_("why"))
    def why(self, row: UnsettledDispatch) -> SafeString:
        dispatch = dispatch_of(row)
        return cells.reason(row.reason, detail_of(dispatch) if dispatch else "")

    @admin.action(description=_("Send again"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.REPLAY, request, queryset)


@admin.register(DeadLetter)
class DeadLetterAdmin(UnsettledAdmin):
    list_before_template = "dispatching/about_failed.html"
    actions = ("replay",)


@admin.register(DoubtfulDispatch)
class DoubtfulDispatchAdmin(UnsettledAdmin):
    list_before_template = "dispatching/about_unknown.html"
    actions = ("settle_as_sent", "settle_as_failed", "replay")

    @admin.action(description=_("Settle as sent"), permissions=["operate"])
    def settle_as_sent(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.SENT, request, queryset)

    @admin.action(description=_("Settle as not sent"), permissions=["operate"])
    def settle_as_failed(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.FAILED, request, queryset)


@admin.register(OverdueDelivery)
class OverdueDeliveryAdmin(WithDispatches):
    list_display = ("at", "contact", "of_campaign", "provider", "since_when", "message_id")
    list_filter = (("provider", ProviderFilter), MadeWithin, ("since", MadeBetween))
    list_before_template = "dispatching/about_overdue.html"
    ordering = ("-pk",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)

    @admin.display(description=_("sent"))
    def at(self, row: OverdueDelivery) -> SafeString:
        dispatch = dispatch_of(row)
        page = reverse("admin:dispatching_dispatch_change", args=[row.pk])
        return format_html('<a href="{}"><b>{}</b></a>', page, cells.moment(dispatch.returned_at if dispatch else None))

    @admin.display(description=_("overdue for"))
    def since_when(self, row: OverdueDelivery) -> str:
        return lasting(timezone.now() - row.since)

    @admin.display(description=_("provider's message id"))
    def message_id(self, row: OverdueDelivery) -> str:
        dispatch = dispatch_of(row)
        return dispatch.provider_message_id if dispatch else "—"


class QueueAdmin(ReadOnlyAdmin):
    """A look at the queues, for operators."""

    list_display_links = None
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)


@admin.register(QueueDue)
class QueueDueAdmin(WithDispatches):
    list_display = ("at", "contact", "of_campaign", "provider", "lane_class", "latest")
    list_filter = (("provider", ProviderFilter), "lane_class")
    list_before_template = "dispatching/about_due.html"
    ordering = ("due_at", "pk")
    actions = ("cancel",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(confirming.CANCEL, request, queryset)

    @admin.display(description=_("goes out"))
    def at(self, row: QueueDue) -> SafeString:
        page = reverse("admin:dispatching_dispatch_change", args=[row.pk])
        return format_html('<a href="{}"><b>{}</b></a>', page, cells.moment(row.due_at))

    @admin.display(description=_("not after"))
    def latest(self, row: QueueDue) -> str:
        return cells.moment(row.not_after)


@admin.register(QueueLane)
class QueueLaneAdmin(QueueAdmin):
    list_display = ("provider", "lane_class", "waiting", "due", "oldest_due_at")
    list_select_related = ("provider",)
    ordering = ("oldest_due_at",)


@admin.register(QueueBatch)
class QueueBatchAdmin(QueueAdmin):
    list_display = ("created_at", "provider", "campaign", "lane_class", "size", "released_at", "worker_id")
    list_select_related = ("provider", "campaign")
    ordering = ("created_at",)


@admin.register(QueueWorker)
class QueueWorkerAdmin(QueueAdmin):
    list_display = ("id", "kind", "host", "pid", "state", "started_at", "heartbeat_at", "silent_seconds")
    list_filter = ("state", "kind")
    ordering = ("-id",)


def dispatch_of(row: Any) -> Dispatch | None:
    """None where its week was put away while this row waited."""
    try:
        found: Dispatch | None = row.dispatch
    except Dispatch.DoesNotExist:
        return None
    return found
