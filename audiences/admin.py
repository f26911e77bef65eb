"""Pages for segments and for the attributes that mappings may name."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from audiences.models import AttributeDefinition, Segment
from tenants.scoping import TenantScopedAdmin


@admin.register(Segment)
class SegmentAdmin(TenantScopedAdmin):
    list_display = ("code", "name", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("code", "name")
    readonly_fields = ("created_at", "created_by")
    fields = ("code", "name", "description", "is_active", ("created_at", "created_by"))


@admin.register(AttributeDefinition)
class AttributeAdmin(TenantScopedAdmin):
    """Those that every tenant has are shown and stay as they are; a tenant adds its own."""

    list_display = ("name", "type", "group", "description", "example")
    list_filter = ("group", "type")
    search_fields = ("name", "description")
    fields = ("name", "type", "group", "description", "example", "position")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_shared(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_shared(obj)


def _is_shared(obj: Any) -> bool:
    return obj is not None and obj.tenant_id is None
