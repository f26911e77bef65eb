"""What every admin over rows of one tenant shares: scope, permissions by role, and a tenant that nobody sees.

Row-level security holds all of this in the database too; here it is said again, so that a page is right even where
the process happens to own the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest

from tenants.filters import as_fields
from tenants.forms import FIELD, TenantForm
from tenants.identity import Capability, may, tenant_of

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
    InlineBase = admin.options.InlineModelAdmin[Any, Any]
else:
    from unfold.admin import ModelAdmin

    Base, InlineBase = ModelAdmin, object


class _Scoped:
    """Permissions and choices, for pages and inlines alike. `edit`: the capability that changing takes."""

    edit: ClassVar[Capability | None] = Capability.EDIT
    model: type[models.Model]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, Capability.VIEW) and belongs(request, obj, shared=True)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_edit(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_edit(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_edit(request, obj)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return of_tenant(super().get_queryset(request), request)  # type: ignore[misc]  # mixed into Django's class

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*(super().get_exclude(request, obj) or ()), FIELD]  # type: ignore[misc]  # the same

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = of_tenant(_choices(self, db_field, request, kwargs), request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]  # the same

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = of_tenant(_choices(self, db_field, request, kwargs), request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]  # the same

    def _may_edit(self, request: HttpRequest, obj: Any) -> bool:
        return self.edit is not None and may(request, self.edit) and belongs(request, obj, shared=False)


class TenantScopedAdmin(_Scoped, Base):
    """A ModelAdmin over a model with a `tenant`. Inlines under it are TenantScopedInline.

    What the theme offers is set here once, so that every list and form behaves alike.
    """

    form = TenantForm
    empty_value_display = "—"
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    compressed_fields = True
    warn_unsaved_form = True
    change_form_show_cancel_button = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_list_filter(self, request: HttpRequest) -> Any:
        return as_fields(self.model, super().get_list_filter(request))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return _bound(super().get_form(request, obj, change, **kwargs), request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else _fillable(self.model, fieldsets)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change and hasattr(obj, "created_by") and not obj.created_by:
            obj.created_by = request.user.get_username()[:150]
        super().save_model(request, obj, form, change)


class TenantScopedInline(_Scoped, InlineBase):
    """Mix in before admin.TabularInline or admin.StackedInline."""

    form = TenantForm

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form = _bound(formset.form, request)
        for field in formset.form.base_fields.values():
            # A row of a table has its titles in the head, where screen readers do not look.
            field.widget.attrs.setdefault("aria-label", field.label)
        return formset


class ReadOnlyAdmin(TenantScopedAdmin):
    """Seen by everybody in the tenant, changed by nobody here."""

    edit = None


def belongs(request: HttpRequest, obj: Any, *, shared: bool) -> bool:
    """Whether the row (or none, or one of a model without tenant) is the tenant's; `shared`: or everybody's."""
    identity = tenant_of(request)
    if identity is None:
        return False
    owner = getattr(obj, "tenant_id", identity.id) if obj is not None else identity.id
    return owner == identity.id or (shared and owner is None)


def of_tenant(queryset: models.QuerySet[Any], request: HttpRequest) -> models.QuerySet[Any]:
    """The rows of the request's tenant, and those that all share; people are those who belong to it."""
    identity = tenant_of(request)
    if identity is None:
        return queryset.none()
    if queryset.model is get_user_model():
        return queryset.filter(models.Q(membership__tenant_id=identity.id) | models.Q(pk=request.user.pk)).distinct()
    try:
        field = queryset.model._meta.get_field(FIELD)
    except FieldDoesNotExist:
        return queryset
    mine = models.Q(tenant_id=identity.id)
    return queryset.filter(mine | models.Q(tenant_id=None) if field.null else mine)


def _fillable(model: type[models.Model], fieldsets: Any) -> list[Any]:
    """Without what the database fills in: a row that is not there yet has no such values to show."""
    filled_in = {field.name for field in model._meta.fields if not field.editable}
    shown = []
    for title, options in fieldsets:
        lines = [name for name in (_without(line, filled_in) for line in options["fields"]) if name]
        if lines:
            shown.append((title, {**options, "fields": lines}))
    return shown


def _without(line: Any, names: set[str]) -> Any:
    if isinstance(line, str):
        return None if line in names else line
    return [name for name in line if name not in names]


def _choices(model_admin: Any, db_field: Any, request: HttpRequest, kwargs: dict[str, Any]) -> models.QuerySet[Any]:
    queryset: models.QuerySet[Any] | None = kwargs.get("queryset")
    if queryset is None:
        queryset = model_admin.get_field_queryset(kwargs.get("using"), db_field, request)
    if queryset is None:
        queryset = db_field.remote_field.model._default_manager.all()
    return queryset


def _bound(form: Any, request: HttpRequest) -> Any:
    """The form class for this request's tenant."""
    identity = tenant_of(request)
    bases = (form,) if issubclass(form, TenantForm) else (TenantForm, form)
    return type(form)(form.__name__, bases, {"tenant_id": identity.id if identity else None})
