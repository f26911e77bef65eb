"""The list of campaigns: filters and columns, all from one query and its prefetch."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, CampaignProvider, DispatchMode
from campaigns.states import State, in_state, next_send_text, state_of
from providers.models import Provider
from tenants.identity import tenant_of

COLOURS = {
    State.ACTIVE: "success",
    State.UPCOMING: "info",
    State.ENDED: "default",
    State.INACTIVE: "warning",
}


class StateFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Any:
        return State.choices

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        return in_state(queryset, self.value() or "") if self.value() else queryset


class ChannelFilter(admin.SimpleListFilter):
    """By the type of a provider that the campaign uses."""

    title = _("channel")
    parameter_name = "provider_type"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        identity = tenant_of(request)
        types = Provider.objects.filter(tenant_id=identity.id if identity else 0)
        return [
            (name, name) for name in types.order_by("provider_type").values_list("provider_type", flat=True).distinct()
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        if not self.value():
            return queryset
        users = CampaignProvider.objects.filter(provider__provider_type=self.value())
        return queryset.filter(pk__in=users.values("campaign_id"))


def with_channels(queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
    links = CampaignProvider.objects.select_related("provider").order_by("order", "created_at")
    return queryset.prefetch_related(Prefetch("campaign_providers", queryset=links, to_attr="links"))


class ListColumns:
    """Mixed into the campaign's admin."""

    @admin.display(description=_("campaign"), ordering="name")
    def title(self, campaign: Campaign) -> SafeString:
        shown = campaign.description.strip().splitlines()[0][:80] if campaign.description.strip() else ""
        return format_html('<b>{}</b><small class="prism-under">{}</small>', campaign.name, shown)

    @admin.display(description=_("status"))
    def state(self, campaign: Campaign) -> SafeString:
        state = state_of(campaign, timezone.now())
        return format_html('<span class="prism-state prism-{}">{}</span>', COLOURS[state], state.label)

    @admin.display(description=_("sending"), ordering="dispatch_mode")
    def sending(self, campaign: Campaign) -> SafeString:
        mode = campaign.get_dispatch_mode_display()
        if campaign.dispatch_mode != DispatchMode.ASYNC or not campaign.is_active:
            return format_html("{}", mode)
        return format_html('{}<small class="prism-under">{}</small>', mode, next_send_text(campaign, timezone.now()))

    @admin.display(description=_("period"), ordering="start_date")
    def period(self, campaign: Campaign) -> SafeString:
        told = [
            text % {"day": date_format(day, "SHORT_DATE_FORMAT")}
            for text, day in ((_("from %(day)s"), campaign.start_date), (_("until %(day)s"), campaign.end_date))
            if day is not None
        ]
        lines = format_html_join("", '<span class="prism-line">{}</span>', ((text,) for text in told))
        return lines or format_html("{}", "—")

    @admin.display(description=_("control"), ordering="control_group_rate")
    def control(self, campaign: Campaign) -> str:
        return f"{campaign.control_group_rate.normalize():f} %" if campaign.control_group_rate else "—"

    @admin.display(description=_("channels"))
    def channels(self, campaign: Any) -> SafeString:
        types = dict.fromkeys(link.provider.provider_type for link in campaign.links)
        return format_html_join(
            " ", '<span class="prism-channel">{}</span>', ((name,) for name in types)
        ) or format_html('<span class="prism-under">{}</span>', _("none"))
