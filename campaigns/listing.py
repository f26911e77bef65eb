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

from campaigns.models import Campaign, CampaignProvider
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

    @admin.display(description=_("period"), ordering="start_date")
    def period(self, campaign: Campaign) -> str:
        start, end = (date_format(day, "SHORT_DATE_FORMAT") if day else "…" for day in _dates(campaign))
        return "—" if (start, end) == ("…", "…") else f"{start} – {end}"

    @admin.display(description=_("control"), ordering="control_group_rate")
    def control(self, campaign: Campaign) -> str:
        return f"{campaign.control_group_rate.normalize():f} %" if campaign.control_group_rate else "—"

    @admin.display(description=_("channels"))
    def channels(self, campaign: Any) -> SafeString:
        types = dict.fromkeys(link.provider.provider_type for link in campaign.links)
        return format_html_join(
            " ", '<span class="prism-channel">{}</span>', ((name,) for name in types)
        ) or format_html('<span class="prism-under">{}</span>', _("none"))

    @admin.display(description=_("next send"))
    def upcoming(self, campaign: Campaign) -> str:
        return next_send_text(campaign, timezone.now()) if campaign.is_active else "—"


def _dates(campaign: Campaign) -> tuple[Any, Any]:
    return campaign.start_date, campaign.end_date
