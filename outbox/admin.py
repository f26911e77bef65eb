"""The outbox for operators: what Kafka refused and why, what waits, and which relay holds which shard."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from outbox.models import OperatorFact, OperatorShard
from outbox.refusals import EXPLANATIONS
from outbox.retrying import retry_parked
from tenants.identity import Capability, may
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin


class OperatorAdmin(ReadOnlyAdmin):
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, Capability.OPERATE)


class Parked(admin.SimpleListFilter):
    """Parked ones first: they need a person, what waits does not."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("Waiting for Kafka"))]

    def choices(self, changelist: Any) -> Any:
        shown = list(super().choices(changelist))
        shown[0]["display"] = _("Parked")
        return shown

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(parked_at__isnull=self.value() == "waiting")


@admin.register(OperatorFact)
class OperatorFactAdmin(OperatorAdmin):
    list_display = ("id", "created_at", "topic", "fact_id", "parked_at", "problem")
    list_filter = (Parked,)
    ordering = ("id",)
    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 50
    actions = ("retry",)
    fields = ("id", "topic", "shard", "key", "created_at", "parked_at", "problem", "explanation", "about", "body")
    readonly_fields = ("explanation", "about", "body")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        match = request.resolver_match
        return found.defer("payload") if match and str(match.url_name).endswith("_changelist") else found

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may(request, Capability.OPERATE)

    @admin.action(description=_("Publish the selected parked events again"), permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[OperatorFact]) -> None:
        retried = retry_parked(list(queryset.order_by().values_list("id", flat=True)))
        told = ngettext("%(n)d event waits for Kafka again.", "%(n)d events wait for Kafka again.", retried)
        self.message_user(request, told % {"n": retried}, messages.SUCCESS if retried else messages.WARNING)

    @admin.display(description=_("fact"))
    def fact_id(self, fact: OperatorFact) -> str:
        return str(fact.headers.get("fact_id", "—")) if isinstance(fact.headers, dict) else "—"

    @admin.display(description=_("what it means"))
    def explanation(self, fact: OperatorFact) -> str:
        return str(EXPLANATIONS.get(fact.problem, "—"))

    @admin.display(description=_("headers"))
    def about(self, fact: OperatorFact) -> SafeString:
        """Without the tenant: whoever reads this is in it."""
        shown = fact.headers.items() if isinstance(fact.headers, dict) else [("?", fact.headers)]
        return format_html("<pre>{}</pre>", "\n".join(f"{name}: {value}" for name, value in shown if name != "tenant"))

    @admin.display(description=_("payload"))
    def body(self, fact: OperatorFact) -> SafeString:
        return format_html("<pre>{}</pre>", fact.payload)


@admin.register(OperatorShard)
class OperatorShardAdmin(OperatorAdmin):
    list_display = ("shard", "owner", "leased_until", "is_leased", "oldest_at", "epoch")
    list_display_links = None
    ordering = ("shard",)
