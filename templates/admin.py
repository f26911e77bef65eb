"""Pages for message templates: what is derived and what is versioned is `templates.authoring`'s work."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from templates.authoring import save_template
from templates.differences import changes_between, text_of
from templates.forms import TemplateForm
from templates.models import MessageTemplate
from templates.notices import notices_of
from templates.outlook import placeholders_for, uses_of
from templates.preview_views import preview_view
from tenants.editions import PAGE
from tenants.identity import tenant_of
from tenants.scoping import TenantScopedAdmin

VERSIONS_SHOWN = 20
# Style and word of a campaign that uses the template, by whether it runs.
_STANDING = {True: ("prism-success", _("active")), False: ("prism-default", _("off"))}
# The next Django assumes https where an author leaves the scheme out; so do we already.
URL_FIELDS: dict[Any, dict[str, Any]] = {models.URLField: {"assume_scheme": "https"}}


@admin.register(MessageTemplate)
class TemplateAdmin(TenantScopedAdmin):
    """A template is switched off, never deleted: dispatches point at its versions."""

    form = TemplateForm
    formfield_overrides = URL_FIELDS
    change_form_before_template = PAGE
    change_form_template = "templates/change_form.html"
    warn_unsaved_form = True
    list_display = ("title", "channel", "locale", "chips", "active", "owner", "updated_at")
    list_filter = ("is_active", "channel", "locale", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    list_per_page = 50
    ordering = ("template_name", "template_code")
    search_fields = ("template_code", "template_name", "body")
    readonly_fields = ("used_by", "history", "created_at", "created_by", "updated_at")
    fieldsets = (
        (None, {"fields": ("template_name", "template_code", "locale", "channel")}),
        (_("Message"), {"fields": ("subject", "body", "variants", "media_url")}),
        (_("Use"), {"fields": ("is_active", "used_by", "owner")}),
        (_("Versions"), {"fields": ("history", ("created_at", "created_by", "updated_at"))}),
    )

    class Media:
        css = {"all": ("templates/authoring.css",)}
        js = ("templates/writing.js",)

    @admin.display(description=_("message template"), ordering="template_name")
    def title(self, template: MessageTemplate) -> SafeString:
        told = '<b>{}</b><small class="prism-under">{}</small>'
        return format_html(told, template.template_name, template.template_code)

    @admin.display(description=_("placeholders"))
    def chips(self, template: MessageTemplate) -> SafeString:
        return chips_of(template.placeholders)

    @admin.display(description=_("active"), boolean=True, ordering="is_active")
    def active(self, template: MessageTemplate) -> bool:
        return template.is_active

    @admin.display(description=_("Used by"))
    def used_by(self, template: MessageTemplate) -> SafeString:
        """Beside its own page only: one query per template."""
        rows = ((use.url, use.name, *_STANDING[use.active]) for use in uses_of(template))
        told = '<a class="prism-use" href="{}">{} <span class="prism-state {}">{}</span></a>'
        return format_html_join("", told, rows) or format_html("{}", _("No campaign uses it."))

    @admin.display(description=_("History"))
    def history(self, template: MessageTemplate) -> SafeString:
        versions = list(template.versions.order_by("-number")[: VERSIONS_SHOWN + 1])
        texts = [text_of(version) for version in versions]
        shown = [
            {"version": version, "changes": changes_between(texts[index + 1] if index + 1 < len(texts) else "", text)}
            for index, (version, text) in enumerate(zip(versions, texts, strict=True))
        ]
        return render_to_string("templates/versions.html", {"shown": shown[:VERSIONS_SHOWN], "newest": texts[:1]})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(preview_view)
        return [path("preview/", view, name="templates_messagetemplate_preview"), *super().get_urls()]

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        identity = tenant_of(request)
        context["insertable"] = placeholders_for(identity.id) if identity else []
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, _form: Any, _change: bool) -> None:
        save_template(obj, by=request.user.get_username()[:150])
        for notice in notices_of(obj):
            self.message_user(request, notice, messages.WARNING)


def chips_of(names: list[str]) -> SafeString:
    told = '<span class="prism-chip">{}</span>'
    chips = format_html_join(" ", told, (("{{" + name + "}}",) for name in names))
    return format_html('<span class="prism-chips">{}</span>', chips) if names else format_html("{}", "—")
