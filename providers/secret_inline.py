"""Secrets as rows of their own, for a configuration that is written as JSON: the form has them at its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from providers.forms import SecretForm, SecretFormSet
from providers.models import Provider, ProviderSecret
from tenants.scoping import TenantScopedInline

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
        if secret._state.adding:
            return None
        return f"{date_format(localtime(secret.created_at), 'SHORT_DATETIME_FORMAT')} {secret.created_by}"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ProviderSecret]:
        return super().get_queryset(request).defer("value")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A reader has no form, hence no field for a value either.
        shown = self.fields if self.has_change_permission(request, obj) else ("name", *self.readonly_fields)
        return tuple(shown)
