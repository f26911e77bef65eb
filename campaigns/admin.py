"""The page of a campaign: its fields, segments, providers, templates and mappings are saved by one call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.authoring import save_campaign
from campaigns.control import change_rate
from campaigns.forms import CampaignForm, ProviderRowForm, ProviderRowFormSet
from campaigns.models import Campaign, CampaignProvider
from tenants.scoping import TenantScopedAdmin, TenantScopedInline

if TYPE_CHECKING:
    Stacked = admin.StackedInline[CampaignProvider, Campaign]
else:
    from unfold.admin import StackedInline as Stacked


class ProviderInline(TenantScopedInline, Stacked):
    model = CampaignProvider
    form = ProviderRowForm
    formset = ProviderRowFormSet
    fields = (("provider", "label", "order"), "message_template", "field_mappings")
    extra = 0

    # What a reader sees where an author has the fields of the form.
    @admin.display(description=_("Message template"))
    def message_template(self, obj: CampaignProvider) -> str:
        return str(obj.template_link.template)

    @admin.display(description=_("Field mappings"))
    def field_mappings(self, obj: CampaignProvider) -> str:
        return json.dumps(obj.template_link.field_mappings, ensure_ascii=False)


@admin.register(Campaign)
class CampaignAdmin(TenantScopedAdmin):
    form = CampaignForm
    inlines = (ProviderInline,)
    list_display = ("name", "dispatch_mode", "is_active", "control_group_rate", "start_date", "end_date", "owner")
    list_filter = ("is_active", "dispatch_mode", "strategy", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("name", "description", "external_id")
    actions = ("rerandomise",)
    readonly_fields = ("control_version", "control_frozen_at", "created_at", "created_by", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "description", "is_active", ("audience_name", "channel"), "in_segments")}),
        (
            _("When"),
            {"fields": ("dispatch_mode", ("trigger_time", "week_days", "timezone"), ("start_date", "end_date"))},
        ),
        (_("To whom"), {"fields": ("control_group_rate", ("control_version", "control_frozen_at"))}),
        (_("How"), {"fields": ("strategy",)}),
        (_("More"), {"fields": ("external_id", "owner", ("created_at", "created_by", "updated_at"))}),
    )

    @admin.display(description=_("Segments"))
    def in_segments(self, obj: Campaign) -> str:
        return ", ".join(obj.segments.values_list("name", flat=True))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, _form: Any, change: bool) -> None:
        """Nothing yet: the campaign is saved with all that hangs on it."""
        if not change:
            obj.created_by = request.user.get_username()[:150]

    def save_related(self, _request: HttpRequest, form: Any, formsets: Any, _change: bool) -> None:
        (providers,) = formsets
        save_campaign(
            form.instance,
            fields={},
            providers=[row.row() for row in providers.filled_forms()],
            segment_ids=[segment.pk for segment in form.cleaned_data["in_segments"]],
        )
        # What Django's journal asks of a formset it has saved itself.
        providers.new_objects = [row.instance for row in providers.extra_forms if row.has_changed()]
        providers.changed_objects = [
            (row.instance, row.changed_data) for row in providers.initial_forms if row.has_changed()
        ]
        providers.deleted_objects = [row.instance for row in providers.deleted_forms]

    @admin.action(description=_("Draw the control group anew"), permissions=["change"])
    def rerandomise(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        campaigns = list(queryset)
        for campaign in campaigns:
            change_rate(
                tenant_id=campaign.tenant_id,
                campaign_id=campaign.pk,
                rate=campaign.control_group_rate,
                rerandomise=True,
            )
        text = ngettext("%(count)d control group drawn anew.", "%(count)d control groups drawn anew.", len(campaigns))
        self.message_user(request, text % {"count": len(campaigns)}, messages.SUCCESS)
