"""The page of frequency caps: how much of us one person gets at most."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from campaigns.models import FrequencyCap
from tenants.scoping import TenantScopedAdmin


@admin.register(FrequencyCap)
class FrequencyCapAdmin(TenantScopedAdmin):
    list_display = ("__str__", "every_channel", "max_messages", "period", "is_active")
    list_filter = ("is_active", "period")
    fields = ("channel", "max_messages", "period", "is_active", "created_at", "created_by")
    readonly_fields = ("created_at", "created_by")

    @admin.display(description=_("channel"), ordering="channel")
    def every_channel(self, cap: FrequencyCap) -> str:
        return cap.channel or str(_("all together"))
