"""Dead letters and positions for people: what came in and became nothing, why, and what an operator does about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from dispatching.listing import BoundedPaginator
from ingestion import operating, reasons
from ingestion.models import OperatorPosition, RejectedTrigger
from tenants.identity import Capability, may
from tenants.scoping import ReadOnlyAdmin

SHOWN_BYTES = 8_192


@admin.register(RejectedTrigger)
class RejectedTriggerAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "code", "path", "state", "journey_name", "correlation_id", "place")
    list_filter = (
        "state",
        ("code", admin.AllValuesFieldListFilter),
        ("topic", admin.AllValuesFieldListFilter),
        ("journey_name", admin.AllValuesFieldListFilter),
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
    fieldsets = (
        (None, {"fields": ("code", "explanation", "what_to_do", "path", "message")}),
        (_("State"), {"fields": ("state", "state_changed_at", "state_changed_by", "created_at")}),
        (_("Event"), {"fields": ("journey_name", "correlation_id", "raw_size", "raw_text")}),
        (_("Record"), {"fields": ("topic", "partition", "offset", "record_at", "headers_text")}),
    )
    readonly_fields = ("explanation", "what_to_do", "raw_text", "headers_text")

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
    def replay(self, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> None:
        self._ask(request, queryset, skipped=False)

    @admin.action(
        description=_("Replay the selected skipped events, though they may have been sent"), permissions=["operate"]
    )
    def replay_skipped(self, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> None:
        self._ask(request, queryset, skipped=True)

    @admin.action(description=_("Discard the selected events"), permissions=["operate"])
    def discard(self, request: HttpRequest, queryset: QuerySet[RejectedTrigger]) -> None:
        chosen = queryset.count()
        done = operating.discard(queryset, by=request.user.get_username())
        self._tell(request, done, ngettext("%(n)d event discarded.", "%(n)d events discarded.", done))
        if chosen > done:
            self.message_user(request, _("The others were replayed or discarded already."), messages.WARNING)

    def _ask(self, request: HttpRequest, chosen: QuerySet[RejectedTrigger], *, skipped: bool) -> None:
        total = chosen.count()
        done = operating.request_replay(chosen, by=request.user.get_username(), skipped=skipped)
        told = ngettext(
            "%(n)d event will be replayed within seconds.", "%(n)d events will be replayed within seconds.", done
        )
        self._tell(request, done, told)
        if total > done:
            left = _(
                "Left alone: what is not open, what was skipped in a recovery (it has an action of its own), and what"
                " is so large that only its beginning was kept (send it again instead)."
            )
            self.message_user(request, left, messages.WARNING)

    def _tell(self, request: HttpRequest, done: int, text: str) -> None:
        self.message_user(request, text % {"n": done}, messages.SUCCESS if done else messages.WARNING)

    @admin.display(description=_("record"), ordering="offset")
    def place(self, rejected: RejectedTrigger) -> str:
        return f"{rejected.topic}[{rejected.partition}]@{rejected.offset}"

    @admin.display(description=_("what happened"))
    def explanation(self, rejected: RejectedTrigger) -> str:
        return reasons.explanation(rejected.code) or "—"

    @admin.display(description=_("what to do"))
    def what_to_do(self, rejected: RejectedTrigger) -> str:
        return reasons.what_to_do(rejected.code) or "—"

    @admin.display(description=_("raw bytes"))
    def raw_text(self, rejected: RejectedTrigger) -> SafeString:
        """Its beginning as text; bytes that are no text are written as \\x escapes."""
        raw = bytes(rejected.raw)
        text = raw[:SHOWN_BYTES].decode(errors="backslashreplace").replace("\0", "\\x00")
        return format_html("<pre>{}{}</pre>", text, "…" if rejected.raw_size > SHOWN_BYTES else "")

    @admin.display(description=_("headers"))
    def headers_text(self, rejected: RejectedTrigger) -> SafeString | str:
        lines = "\n".join(f"{name}: {value}" for name, value in rejected.headers)
        return format_html("<pre>{}</pre>", lines) if lines else "—"


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
