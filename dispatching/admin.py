"""History and queues for people: read-only pages, and what operators may do with what failed or waits."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dispatching.confirming import confirm_cancel, confirm_replay
from dispatching.listing import BoundedPaginator, MadeWithin, searched
from dispatching.models import Attempt, Dispatch, ScheduledDispatch
from dispatching.queues import QueueBatch, QueueLane, QueueWorker
from dispatching.reasons import EXPLANATIONS
from tenants.identity import Capability, may
from tenants.scoping import ReadOnlyAdmin

LARGE = ("contact_data", "variables", "message_content", "provider_response")


class HistoryAdmin(ReadOnlyAdmin):
    """A list over partitions."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-pk",)
    list_per_page = 50
    list_max_show_all = 50


@admin.register(Dispatch)
class DispatchAdmin(HistoryAdmin):
    list_display = ("created_at", "status", "reason", "campaign", "provider", "channel", "correlation_id")
    list_filter = (MadeWithin, "status", "campaign")
    list_select_related = ("campaign", "provider")
    search_fields = ("correlation_id",)
    search_help_text = _("Correlation id, tax id of the contact, or id of the dispatch; whole, not in part.")
    actions = ("replay", "cancel")
    fieldsets = (
        (None, {"fields": ("status", "explanation", "error_message", "campaign", "provider", "channel", "template")}),
        (_("Message"), {"fields": ("destination", "message_subject", "message_content", "media_url")}),
        (_("Contact"), {"fields": ("contact_tax_id", "attributes")}),
        (_("Tries"), {"fields": ("attempts", "max_attempts", "tries", "provider_message_id", "answer")}),
        (
            _("Times"),
            {
                "fields": (
                    "triggered_at",
                    "received_at",
                    "created_at",
                    "scheduled_for",
                    "scheduled_local",
                    "not_after",
                    "dispatched_at",
                    "returned_at",
                )
            },
        ),
        (_("Identity"), {"fields": ("id", "correlation_id", "trace_id", "trigger_id", "predecessor_id", "version")}),
    )
    readonly_fields = ("explanation", "attributes", "tries", "answer")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).select_related("campaign", "provider", "template")
        match = request.resolver_match
        return found.defer(*LARGE) if match and str(match.url_name).endswith("_changelist") else found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return searched(request, queryset, search_term), False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.OPERATE)

    @admin.action(description=_("Send the selected dispatches again"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return confirm_replay(self, request, queryset)

    @admin.action(description=_("Cancel the selected dispatches that wait"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return confirm_cancel(self, request, queryset)

    @admin.display(description=_("why"))
    def explanation(self, dispatch: Dispatch) -> str:
        told = str(EXPLANATIONS.get(dispatch.reason, ""))
        return f"{dispatch.reason}: {told}" if told else dispatch.reason or "—"

    @admin.display(description=_("contact data"))
    def attributes(self, dispatch: Dispatch) -> SafeString:
        return _pretty(dispatch.contact_data)

    @admin.display(description=_("provider's answer"))
    def answer(self, dispatch: Dispatch) -> SafeString | str:
        return "—" if dispatch.provider_response is None else _pretty(dispatch.provider_response)

    @admin.display(description=_("earlier tries"))
    def tries(self, dispatch: Dispatch) -> SafeString | str:
        lines = [
            (one.number, one.outcome, one.reason, one.error_message or "", one.dispatched_at or "—", one.next_at or "—")
            for one in Attempt.objects.filter(dispatch_id=dispatch.pk, tenant_id=dispatch.tenant_id).order_by("id")
        ]
        return format_html_join("", "<div>{}. {} {} {} ({} → {})</div>", lines) or "—"


@admin.register(ScheduledDispatch)
class ScheduledDispatchAdmin(HistoryAdmin):
    list_display = ("scheduled_for", "status", "campaign", "correlation_id", "processed_at")
    list_filter = (MadeWithin, "campaign")
    list_select_related = ("campaign",)
    search_fields = ("correlation_id",)
    search_help_text = _("Correlation id, whole.")
    fields = ("status", "scheduled_for", "processed_at", "campaign", "trigger_time", "correlation_id", "error_message")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return searched(request, queryset, search_term, model=Dispatch), False


class QueueAdmin(ReadOnlyAdmin):
    """A look at the queues, for operators."""

    list_display_links = None
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)


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


def _pretty(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, ensure_ascii=False, indent=2))
