"""Pages for segments and for the attributes that mappings may name."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet, TextField
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from audiences.authoring import why_kept
from audiences.models import AttributeDefinition, Segment, SuppressionSign
from audiences.signs import AddressKind
from audiences.uses import uses_of
from providers.masking import masked_destination, masked_tax_id
from tenants.forms import TenantForm
from tenants.identity import Capability, may
from tenants.paging import BoundedPaginator
from tenants.scoping import ReadOnlyAdmin, TenantScopedAdmin


class AudienceAdmin(TenantScopedAdmin):
    """What campaigns choose from: who uses a row is on its page, and keeps it there."""

    list_per_page = 100
    formfield_overrides = {TextField: {"widget": UnfoldAdminTextareaWidget({"rows": 3})}}

    @admin.display(description=_("Used by"))
    def used_by(self, row: AttributeDefinition | Segment) -> SafeString:
        if row.tenant_id is None:
            return format_html("{}", _("Built in: always there."))
        told = '<a class="block text-primary-600 underline dark:text-primary-500" href="{}">{}</a>'
        uses = uses_of(row)
        pages = format_html_join("", told, ((use.url, use.name) for use in uses if use.url))
        others = format_html_join("", "<span>{}</span>", ((use.name,) for use in uses if not use.url))
        return pages + others or format_html("{}", _("Nothing uses it."))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else [one for one in fieldsets if "used_by" not in one[1]["fields"]]

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """The pages of deletion name those who use a row."""
        kept = [reason for reason in (why_kept(row) for row in objs) if reason]
        names, counts, missing, protected = super().get_deleted_objects(objs, request)
        return names, counts, missing, kept or protected


class SegmentForm(TenantForm):
    class Meta:
        # Model and fields come from the admin.
        help_texts = {
            "code": _("Short and lasting, as seg_high_ltv."),
            "name": _("What authors of campaigns see."),
            "description": _("Who belongs to it, in a sentence. Without rules or members it leaves nobody out."),
        }


@admin.register(Segment)
class SegmentAdmin(AudienceAdmin):
    form = SegmentForm
    list_display = ("name", "code", "told", "is_active", "created_at")
    list_filter = ("is_active",)
    ordering = ("name",)
    search_fields = ("code", "name", "description")
    readonly_fields = ("used_by", "created_at", "created_by")
    fieldsets = (
        (None, {"fields": ("name", "code", "description", "is_active")}),
        (_("Use"), {"fields": ("used_by", ("created_at", "created_by"))}),
    )

    @admin.display(description=_("description"))
    def told(self, segment: Segment) -> str:
        return segment.description[:120] or "—"


class AttributeForm(TenantForm):
    class Meta:
        # Model and fields come from the admin.
        help_texts = {
            "name": _("The key under which events carry it, as first_name."),
            "type": _("A number is written without its .0; texts stay as they are."),
            "description": _("What authors read in the list of choices."),
            "example": _("Fills the previews."),
            "group": _("The heading under which it is listed."),
            "position": _("Smaller numbers come first."),
        }


@admin.register(AttributeDefinition)
class AttributeAdmin(AudienceAdmin):
    """Those that every tenant has are shown and stay as they are; a tenant adds its own."""

    form = AttributeForm
    list_display = ("name", "description", "type", "example", "group", "origin")
    list_filter = ("type", "group")
    ordering = ("position", "name")
    search_fields = ("name", "description", "group")
    readonly_fields = ("used_by",)
    fieldsets = (
        (None, {"fields": ("name", "type", "description", "example")}),
        (_("Where it is listed"), {"fields": ("group", "position")}),
        (_("Use"), {"fields": ("used_by",)}),
    )

    @admin.display(description=_("origin"))
    def origin(self, definition: AttributeDefinition) -> Any:
        return _("built in") if _is_shared(definition) else _("own")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_shared(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_shared(obj)


PERSONAL = {"address", "contact_tax_id"}


@admin.register(SuppressionSign)
class SuppressionSignAdmin(ReadOnlyAdmin):
    """What vendors said of consent and of addresses: a look, nothing to do. Only operators see in full of whom."""

    list_display = ("happened", "kind", "address_kind", "address", "contact_tax_id", "reason", "dispatch")
    list_display_links = None
    fields = ("happened", "kind", "address_kind", "address", "contact_tax_id", "reason", "dispatch", "recorded_at")
    list_filter = ("kind", "address_kind")
    list_before_template = "audiences/about_signs.html"
    ordering = ("-id",)
    search_fields = ("=address", "=contact_tax_id")
    search_help_text = _("Address in its plain form (a phone number by its digits with the country) or tax id; whole.")
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    list_per_page = 50

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """As it is stored: what Django makes of “=” compares capitals, which no index here knows."""
        wanted = search_term.strip()
        found = queryset.filter(
            Q(address_kind__in=AddressKind.values, address__in={wanted, wanted.lower()}) | Q(contact_tax_id=wanted)
        )
        return (found if wanted else queryset), False

    def get_list_display(self, request: HttpRequest) -> Any:
        return _shown(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _shown(request, super().get_fields(request, obj))

    @admin.display(description=_("address"))
    def masked_address(self, sign: SuppressionSign) -> str:
        return masked_destination(sign.address)

    @admin.display(description=_("tax id"))
    def masked_contact_tax_id(self, sign: SuppressionSign) -> str:
        return masked_tax_id(sign.contact_tax_id)

    @admin.display(description=_("happened"))
    def happened(self, sign: SuppressionSign) -> str:
        return formats.date_format(timezone.localtime(sign.occurred_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("dispatch"))
    def dispatch(self, sign: SuppressionSign) -> Any:
        if sign.dispatch_id is None:
            return "—"
        page = reverse("admin:dispatching_dispatch_change", args=[sign.dispatch_id])
        return format_html('<a href="{}">{}</a>', page, _("open"))


def _shown(request: HttpRequest, names: Any) -> list[Any]:
    """The columns, masked for who does not operate."""
    operates = may(request, Capability.OPERATE)
    return [f"masked_{name}" if not operates and name in PERSONAL else name for name in names]


def _is_shared(obj: Any) -> bool:
    return obj is not None and obj.tenant_id is None
