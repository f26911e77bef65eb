"""The pages of campaigns: a campaign's fields, segments, providers, templates and mappings are saved by one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.authoring import save_campaign
from campaigns.confirming import ACTIVATE, DEACTIVATE, RERANDOMISE, confirm
from campaigns.forms import CampaignForm
from campaigns.listing import ChannelFilter, ListColumns, StateFilter, with_channels
from campaigns.models import Campaign
from campaigns.operating import duplicate_campaign, why_kept
from campaigns.preview_views import next_send_view, preview_view
from campaigns.provider_inline import ProviderInline
from campaigns.states import next_send_text
from tenants.editions import PAGE
from tenants.scoping import TenantScopedAdmin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Method = TypeVar("Method", bound=Callable[..., Any])

    def action(**_options: Any) -> Callable[[Method], Method]: ...
else:
    from unfold.decorators import action


@admin.register(Campaign)
class CampaignAdmin(ListColumns, TenantScopedAdmin):
    form = CampaignForm
    change_form_before_template = PAGE
    warn_unsaved_form = True
    inlines = (ProviderInline,)
    list_display = ("title", "state", "sending", "period", "control", "channels", "owner")
    list_filter = (StateFilter, "dispatch_mode", ChannelFilter, "strategy", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    list_per_page = 50
    ordering = ("-is_active", "name")
    search_fields = ("name", "description", "external_id")
    actions = ("activate", "deactivate", "rerandomise")
    actions_detail = ("duplicate", "switch")
    readonly_fields = ("next_send", "control_state", "created_at", "created_by", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", "is_active")}),
        (
            _("When"),
            {
                "fields": (
                    "dispatch_mode",
                    "trigger_time",
                    "week_days",
                    ("start_date", "end_date"),
                    "timezone",
                    "next_send",
                )
            },
        ),
        (_("To whom"), {"fields": ("in_segments", "control_group_rate", "control_state", "ignores_caps")}),
        (_("How"), {"fields": ("strategy", "max_messages_per_minute")}),
        (
            _("More"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("audience_name", "channel"),
                    "external_id",
                    "owner",
                    ("created_at", "created_by", "updated_at"),
                ),
            },
        ),
    )

    class Media:
        css = {"all": ("templates/authoring.css",)}
        js = (
            "campaigns/schedule.js",
            "campaigns/picking.js",
            "campaigns/mapping_lines.js",
            "campaigns/provider_cards.js",
        )

    @admin.display(description=_("Next send"))
    def next_send(self, obj: Campaign) -> SafeString:
        text = next_send_text(obj, timezone.now()) or gettext("Fill in the time and the days of the week.")
        address = reverse("admin:campaigns_campaign_next_send")
        return format_html('<output class="prism-next" data-next-send="{}">{}</output>', address, text)

    @admin.display(description=_("State of the control group"))
    def control_state(self, obj: Campaign) -> str:
        if obj.control_frozen_at is None:
            return gettext("Not fixed yet: the first dispatch fixes rate and draw (version %(version)d).") % {
                "version": obj.control_version
            }
        when = date_format(timezone.localtime(obj.control_frozen_at), "SHORT_DATETIME_FORMAT")
        return gettext(
            "Fixed by the first dispatch on %(when)s (version %(version)d). Another rate begins a new version; whoever"
            " is left out stays so as far as the rate allows."
        ) % {"when": when, "version": obj.control_version}

    @admin.display(description=_("Segments"))
    def in_segments(self, obj: Campaign) -> str:
        return ", ".join(obj.segments.values_list("name", flat=True)) or "—"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(preview_view), name="campaigns_campaign_preview"),
            path("next-send/", wrap(next_send_view), name="campaigns_campaign_next_send"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        queryset: QuerySet[Campaign] = super().get_queryset(request)
        return with_channels(queryset)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, _form: Any, change: bool) -> None:
        """Nothing yet: the campaign is saved with all that hangs on it."""
        if not change:
            obj.created_by = request.user.get_username()[:150]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, _change: bool) -> None:
        (providers,) = formsets
        rows = [row.row() for row in providers.filled_forms()]
        segment_ids = [segment.pk for segment in form.cleaned_data["in_segments"]]
        save_campaign(form.instance, fields={}, providers=rows, segment_ids=segment_ids)
        # What Django's journal asks of a formset it has saved itself.
        kept = [row for row in providers.filled_forms() if row.has_changed()]
        providers.new_objects = [row.instance for row in kept if row.instance._state.adding]
        providers.changed_objects = [(row.instance, row.changed_data) for row in kept if not row.instance._state.adding]
        gone = [row.instance for row in providers.deleted_forms]
        providers.deleted_objects = [link for link in gone if not link._state.adding]
        if form.instance.is_active and not rows:
            self.message_user(request, _("The campaign has no provider: nothing would be sent."), messages.WARNING)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """What has a history stays; the pages of deletion say so."""
        kept = [reason for reason in (why_kept(campaign) for campaign in objs) if reason]
        names, counts, missing, protected = super().get_deleted_objects(objs, request)
        return names, counts, missing, [*kept, *protected]

    @admin.action(description=ACTIVATE.title, permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse | None:
        return confirm(ACTIVATE, self, request, queryset)

    @admin.action(description=DEACTIVATE.title, permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse | None:
        return confirm(DEACTIVATE, self, request, queryset)

    @admin.action(description=RERANDOMISE.title, permissions=["change"])
    def rerandomise(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> HttpResponse | None:
        return confirm(RERANDOMISE, self, request, queryset)

    @action(
        description=_("Activate or deactivate"), url_path="switch", icon="power_settings_new", permissions=["change"]
    )
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(request, object_id)
        deed = DEACTIVATE if campaign.is_active else ACTIVATE
        asked = confirm(deed, self, request, Campaign.objects.filter(pk=campaign.pk))
        return asked or HttpResponseRedirect(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))

    @action(description=_("Duplicate"), url_path="duplicate", icon="content_copy", permissions=["add"])
    def duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self._campaign(request, object_id)
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Duplicate"),
                "original": campaign,
            }
            return TemplateResponse(request, "campaigns/duplicate.html", context)
        by = request.user.get_username()
        copy = duplicate_campaign(
            tenant_id=campaign.tenant_id, campaign_id=campaign.pk, by=by, owner_id=request.user.pk
        )
        self.log_addition(request, copy, [{"added": {}}])
        told = _("“%(copy)s” is a copy of “%(name)s”, still inactive: change what you need, then activate it.")
        self.message_user(request, told % {"copy": copy.name, "name": campaign.name}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:campaigns_campaign_change", args=[copy.pk]))

    def _campaign(self, request: HttpRequest, object_id: str) -> Campaign:
        campaign: Campaign | None = self.get_object(request, object_id)
        if campaign is None or not self.has_change_permission(request, campaign):
            raise PermissionDenied
        return campaign


# Registered with the pages of this room; a file of its own.
from campaigns.cap_admin import FrequencyCapAdmin  # noqa: E402, F401 - after what it stands beside
