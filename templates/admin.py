"""Pages for message templates: what is derived and what is versioned is `templates.authoring`'s work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest

from templates.authoring import save_template
from templates.models import MessageTemplate, TemplateVersion
from templates.notices import notices_of
from tenants.scoping import TenantScopedAdmin, TenantScopedInline

if TYPE_CHECKING:
    Tabular = admin.TabularInline[TemplateVersion, MessageTemplate]
else:
    Tabular = admin.TabularInline


# The next Django assumes https where an author leaves the scheme out; so do we already.
URL_FIELDS: dict[Any, dict[str, Any]] = {models.URLField: {"assume_scheme": "https"}}


class VersionInline(TenantScopedInline, Tabular):
    """What was sent, newest first."""

    edit = None
    model = TemplateVersion
    formfield_overrides = URL_FIELDS
    fields = ("number", "subject", "body", "variants", "media_url", "created_at", "created_by")
    ordering = ("-number",)
    max_num = extra = 0


@admin.register(MessageTemplate)
class TemplateAdmin(TenantScopedAdmin):
    """A template is switched off, never deleted: dispatches point at its versions."""

    formfield_overrides = URL_FIELDS
    inlines = (VersionInline,)
    list_display = ("template_code", "template_name", "channel", "locale", "is_active", "owner", "updated_at")
    list_filter = ("is_active", "channel", "locale", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("template_code", "template_name")
    readonly_fields = ("placeholders", "created_at", "created_by", "updated_at")
    fields = (
        ("template_code", "locale"),
        "template_name",
        "channel",
        "subject",
        "body",
        "variants",
        "media_url",
        "is_active",
        "owner",
        "placeholders",
        ("created_at", "created_by", "updated_at"),
    )

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Any, _form: Any, _change: bool) -> None:
        save_template(obj, by=request.user.get_username()[:150])
        for notice in notices_of(obj):
            self.message_user(request, notice, messages.WARNING)
