"""Pages for providers: the configuration checked against the vendor's schema, secrets that go in and never out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import NestedObjects
from django.db import models, router
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from providers.forms import SecretForm, SecretFormSet
from providers.models import Provider, ProviderSecret
from providers.registry import TRANSPORTS
from tenants.scoping import TenantScopedAdmin, TenantScopedInline

if TYPE_CHECKING:
    Tabular = admin.TabularInline[ProviderSecret, Provider]
else:
    from unfold.admin import TabularInline as Tabular


class SecretInline(TenantScopedInline, Tabular):
    model = ProviderSecret
    form = SecretForm
    formset = SecretFormSet  # type: ignore[assignment]  # the stubs fix the class of its forms
    fields = ("name", "new_value", "for_hosts", "entered")
    readonly_fields = ("for_hosts", "entered")
    extra = 0

    @admin.display(description=_("for the hosts"))
    def for_hosts(self, secret: ProviderSecret) -> str:
        return ", ".join(secret.hosts) or "—"

    @admin.display(description=_("entered"))
    def entered(self, secret: ProviderSecret) -> Any:
        return None if secret._state.adding else f"{localtime(secret.created_at):%Y-%m-%d %H:%M} {secret.created_by}"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ProviderSecret]:
        return super().get_queryset(request).defer("value")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A reader has no form, hence no field for a value either.
        shown = self.fields if self.has_change_permission(request, obj) else ("name", *self.readonly_fields)
        return tuple(shown)


class VendorFilter(admin.SimpleListFilter):
    """Served by the GIN index on `configuration`."""

    title = _("vendor")
    parameter_name = "vendor"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [(vendor, vendor) for vendor in sorted(TRANSPORTS)]

    def queryset(self, _request: HttpRequest, queryset: models.QuerySet[Provider]) -> models.QuerySet[Provider]:
        vendor = self.value()
        return queryset.filter(configuration__contains={"provider_vendor": vendor}) if vendor else queryset


@admin.register(Provider)
class ProviderAdmin(TenantScopedAdmin):
    inlines = (SecretInline,)
    list_display = (
        "provider_name",
        "provider_type",
        "vendor",
        "is_active",
        "max_messages_per_minute",
        "health",
        "owner",
    )
    list_filter = (VendorFilter, "provider_type", "is_active", "health", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("provider_name", "provider_type")
    readonly_fields = (
        "examples",
        "health",
        "health_checked_at",
        "health_message",
        "created_at",
        "created_by",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": (("provider_type", "provider_name"), "is_active", "configuration", "examples")}),
        (_("Pace and owner"), {"fields": ("max_messages_per_minute", "owner")}),
        (_("Health"), {"fields": (("health", "health_checked_at"), "health_message")}),
        (_("More"), {"fields": (("created_at", "created_by", "updated_at"),)}),
    )
    formfield_overrides = {models.JSONField: {"widget": forms.Textarea(attrs={"rows": 14, "cols": 90})}}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for secret in formset.forms:
            if secret.instance._state.adding:
                secret.instance.created_by = request.user.get_username()[:150]
        super().save_formset(request, form, formset, change)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Django's own would read the secrets to name them."""
        collector = SecretBlindCollector(using=router.db_for_write(self.model), origin=objs)
        collector.collect(objs)
        names = collector.nested(str)
        found: dict[Any, set[Any]] = {**collector.model_objs}
        counts = {str(model._meta.verbose_name_plural): len(rows) for model, rows in found.items()}
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return names, counts, missing, [str(user) for user in collector.protected]

    @admin.display(description=_("vendor"))
    def vendor(self, provider: Provider) -> str:
        return str(provider.configuration.get("provider_vendor", "—"))

    @admin.display(description=_("examples"))
    def examples(self, _provider: Provider) -> SafeString:
        return format_html_join(
            "",
            "<details><summary>{}</summary><pre>{}</pre></details>",
            ((name, json.dumps(one.example, ensure_ascii=False, indent=2)) for name, one in sorted(TRANSPORTS.items())),
        ) or format_html("—")


class SecretBlindCollector(NestedObjects):
    """Collects what a deletion takes along without reading values that the web role may not read."""

    def related_objects(
        self, related_model: type[models.Model], related_fields: Iterable[Any], objs: Any
    ) -> models.QuerySet[Any]:
        found: models.QuerySet[Any] = super().related_objects(related_model, related_fields, objs)
        return found.defer("value") if related_model is ProviderSecret else found
