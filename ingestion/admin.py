"""Dead letters and positions for people: what came in and became nothing, why, and what an operator does about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatching.cells import chip, moment
from dispatching.choosing import ChosenRows
from ingestion import confirming, reasons
from ingestion.call_admin import WebhookCallAdmin
from ingestion.models import OperatorPosition, RejectedState, RejectedTrigger
from ingestion.narrowing import CodeFilter, JourneyFilter, TopicFilter
from ingestion.showing import shown
from tenants.identity import Capability, may
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin

__all__ = ["OperatorPositionAdmin", "RejectedTriggerAdmin", "WebhookCallAdmin"]

TONES = {
    RejectedState.OPEN.value: "warning",
    RejectedState.REPLAY_REQUESTED.value: "info",
    RejectedState.REPLAYED.value: "success",
    RejectedState.DISCARDED.value: "",
}


@admin.register(RejectedTrigger)
class RejectedTriggerAdmin(ChosenRows, ReadOnlyAdmin):
    list_display = ("at", "situation", "told", "event", "place")
    list_filter = (
        "state",
        CodeFilter,
        TopicFilter,
        JourneyFilter,
        ("created_at", admin.DateFieldListFilter),
    )
    search_fields = ("correlation_id__exact", "journey_name__exact")
    search_help_text = _("Correlation id or journey name, whole.")
    ordering = ("-created_at",)
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    actions = ("replay", "replay_skipped", "discard")
    sortable_by = ()

    class Media:
        css = {"all": ("dispatching/operations.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        if not may(request, Capability.OPERATE):
            # Whose these are nobody knows, so they are not for everyone.
            found = found.exclude(tenant=None)
        match = request.resolver_match
        return found.defer("raw", "headers") if match and str(match.url_name).endswith("_changelist") else found

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.OPERATE)

    @admin.action(description=_("Replay the selected events"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> HttpResponse:
        return self._ask(confirming.REPLAY, request, queryset)

    @admin.action(
        description=_("Replay the selected skipped events, though they may have been sent"), permissions=["operate"]
    )
    def replay_skipped(self, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> HttpResponse:
        return self._ask(confirming.REPLAY_SKIPPED, request, queryset)

    @admin.action(description=_("Discard the selected events"), permissions=["operate"])
    def discard(self, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> HttpResponse:
        return self._ask(confirming.DISCARD, request, queryset)

    def _ask(self, deed: confirming.Deed, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> HttpResponse:
        ids = queryset.values_list("pk", flat=True)[: confirming.BULK + 1]
        return confirming.ask(deed, self, request, ids, request.get_full_path())

    def get_urls(self) -> list[Any]:
        deed = path("deed/", self.admin_site.admin_view(self.deed_view), name="ingestion_rejectedtrigger_deed")
        return [deed, *super().get_urls()]

    def deed_view(self, request: HttpRequest) -> HttpResponse:
        """Where the buttons of the page and of the question lead."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        return confirming.answer(self, request)

    def change_view(self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """The page of one; there is nothing to change, so there is no form."""
        if request.method != "GET":
            raise PermissionDenied
        rejected = self.get_object(request, object_id)
        if rejected is None:
            # Django's own words for it.
            return super().change_view(request, object_id)
        if not self.has_view_permission(request, rejected):
            raise PermissionDenied
        operates = self.has_operate_permission(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Rejected event"),
            "rejected": rejected,
            "explanation": reasons.explanation(rejected.code),
            "own_words": bool(rejected.message) and not rejected.message.startswith(rejected.code),
            "what_to_do": reasons.what_to_do(rejected.code),
            "raw": shown(rejected),
            "state_tone": TONES[rejected.state],
            "deeds": confirming.deeds_for(rejected) if operates else [],
        }
        return TemplateResponse(request, "ingestion/page.html", context)

    @admin.display(description=_("when"))
    def at(self, rejected: RejectedTrigger) -> str:
        return moment(rejected.created_at)

    @admin.display(description=_("what happened"))
    def told(self, rejected: RejectedTrigger) -> SafeString:
        words = reasons.explanation(rejected.code) or rejected.code
        under = f"{rejected.code} · {rejected.path}" if rejected.path not in ("", "$") else rejected.code
        return format_html(
            '<span class="ops-cell ops-two-lines">{}<span class="ops-under">{}</span></span>', words, under
        )

    @admin.display(description=_("State"))
    def situation(self, rejected: RejectedTrigger) -> SafeString:
        return chip(rejected.get_state_display(), TONES[rejected.state])

    @admin.display(description=_("event"))
    def event(self, rejected: RejectedTrigger) -> SafeString:
        return format_html(
            '<span class="ops-cell">{}<span class="ops-under">{}</span></span>',
            rejected.journey_name or "—",
            rejected.correlation_id,
        )

    @admin.display(description=_("record"))
    def place(self, rejected: RejectedTrigger) -> str:
        return f"{rejected.topic}[{rejected.partition}]@{rejected.offset}"


@admin.register(OperatorPosition)
class OperatorPositionAdmin(ReadOnlyAdmin):
    """A look, for operators: `manage.py recover_position` is what moves one."""

    list_display = ("topic", "partition", "next_offset", "stopped_reason", "updated_at", "consumer_group", "epoch")
    list_filter = (("topic", admin.AllValuesFieldListFilter), ("consumer_group", admin.AllValuesFieldListFilter))
    list_display_links = None
    show_full_result_count = False
    ordering = ("topic", "partition")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)
