"""The providers of a campaign as rows of its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from campaigns.models import Campaign, CampaignProvider
from campaigns.provider_forms import ProviderRowForm, ProviderRowFormSet
from tenants.scoping import TenantScopedInline

if TYPE_CHECKING:
    Stacked = admin.StackedInline[CampaignProvider, Campaign]
else:
    from unfold.admin import StackedInline as Stacked

MAX_ASKED = 10


class ProviderInline(TenantScopedInline, Stacked):
    model = CampaignProvider
    form: Any = ProviderRowForm
    formset = ProviderRowFormSet
    template = "campaigns/provider_rows.html"
    fields = ("provider", "label", "order", "weight", "message_template", "field_mappings")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CampaignProvider]:
        return super().get_queryset(request).select_related("campaign", "provider", "template_link__template")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A reader has no form, hence no field that only the form has.
        return self.fields if self.has_change_permission(request, obj) else ("provider", "label", "order", "weight")

    def get_extra(self, request: HttpRequest, obj: Any = None, **_kwargs: Any) -> int:
        """One to begin with; without JavaScript the button asks for another by `rows`."""
        asked = request.GET.get("rows", "")
        return min(int(asked), MAX_ASKED) if asked.isascii() and asked.isdigit() else int(obj is None)
