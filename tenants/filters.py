"""The filters of lists as fields of one form, applied together, with choices of the own tenant only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from unfold.contrib.filters.admin import (
    AllValuesCheckboxFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RangeDateFilter,
    RelatedDropdownFilter,
)

from tenants.identity import tenant_of

if TYPE_CHECKING:
    RelatedChoices = admin.RelatedFieldListFilter
    RelatedOnly = admin.RelatedOnlyFieldListFilter
else:
    RelatedChoices = RelatedDropdownFilter

    class RelatedOnly(RelatedDropdownFilter, admin.RelatedOnlyFieldListFilter):
        pass


FIELD = "tenant"


class OwnDropdownFilter(RelatedChoices):
    """Rows of the request's tenant to choose from, said here as well as by row-level security."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        identity = tenant_of(request)
        only = {"tenant_id": identity.id} if identity and _has_tenant(field.remote_field.model) else {}
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices: list[tuple[str, Any]] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to=only
        )
        return choices


class OnlyUsedDropdownFilter(RelatedOnly):
    """Only what the list's own rows point at."""


# What Django draws as a column of links, each a page of its own → the field that says the same.
AS_FIELD: dict[Any, Any] = {
    admin.AllValuesFieldListFilter: AllValuesCheckboxFilter,
    admin.DateFieldListFilter: RangeDateFilter,
    admin.RelatedOnlyFieldListFilter: OnlyUsedDropdownFilter,
    admin.RelatedFieldListFilter: OwnDropdownFilter,
}


def as_fields(model: type[models.Model], entries: Iterable[Any]) -> list[Any]:
    """A ModelAdmin's `list_filter` with Django's own kinds replaced; classes of a room's own stay as they are."""
    return [_as_field(model, entry) for entry in entries]


def _as_field(model: type[models.Model], entry: Any) -> Any:
    if isinstance(entry, str):
        chosen = _by_kind(model, entry)
        return (entry, chosen) if chosen else entry
    if isinstance(entry, tuple):
        name, chosen = entry
        return name, AS_FIELD.get(chosen, chosen)
    return entry


def _by_kind(model: type[models.Model], name: str) -> Any:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if field.is_relation:
        return OwnDropdownFilter
    if isinstance(field, models.BooleanField):
        return BooleanRadioFilter
    if isinstance(field, models.DateField):
        return RangeDateFilter
    return ChoicesDropdownFilter if getattr(field, "choices", None) else AllValuesCheckboxFilter


def _has_tenant(model: type[models.Model]) -> bool:
    try:
        model._meta.get_field(FIELD)
    except FieldDoesNotExist:
        return False
    return True
