"""Parameters of a list's address: those of its filter set, read strictly, and no others."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, QuerySet
from django.utils.translation import gettext as _
from django_filters import BaseInFilter, ChoiceFilter, FilterSet, TypedChoiceFilter
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request

from tenants.api.explaining import field_errors_of
from tenants.api.paging import CURSOR, LIMIT
from tenants.api.problems import FieldError, Problem


@extend_schema_field(bool)
class YesOrNo(TypedChoiceFilter):
    """Django's own takes whatever it does not know for "either"."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda value: value == "true", **kwargs)


class OneOrMore(BaseInFilter, ChoiceFilter):
    """Of its choices, separated by commas."""


class Filters(FilterSet):
    """Base of every filter set under /api/."""

    FILTER_DEFAULTS: ClassVar = {**FilterSet.FILTER_DEFAULTS, BooleanField: {"filter_class": YesOrNo}}


class StrictFilters(DjangoFilterBackend):
    """A value that no filter understands is told, and so is a parameter that nobody knows: neither means "all"."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        if not has_filters(view):
            return queryset
        filters = self.get_filterset(request, queryset, view)
        known = {LIMIT, CURSOR, *(filters.filters if filters is not None else ())}
        errors = unknown_parameters(request, known)
        if filters is not None and not filters.is_valid():
            error = ValidationError(dict(filters.form.errors.as_data().items()))
            errors += [
                FieldError(one.path, one.code, one.detail, "query") for one in field_errors_of(error, renamed={})
            ]
        if errors:
            raise Problem("invalid_parameters", errors=errors)
        return filters.qs if filters is not None else queryset


def unknown_parameters(request: Request, known: set[str]) -> list[FieldError]:
    """One error per parameter that the address does not take, and per one that is given twice."""
    errors = []
    for name, values in request.query_params.lists():
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            told = _("There is no such parameter; did you mean %(name)s?") % {"name": close[0]} if close else ""
            told = told or _("There is no such parameter here.")
            errors.append(FieldError((name[:100],), "unknown_parameter", told, "query"))
        elif len(values) > 1:
            errors.append(FieldError((name,), "repeated", _("Give it once."), "query"))
        elif not values[0]:
            errors.append(FieldError((name,), "blank", _("It is empty. Leave it out for all."), "query"))
    return errors


def has_filters(view: Any) -> bool:
    """Other actions of a view than its list take no filters."""
    return getattr(view, "action", "list") == "list"
