"""A list that is narrowed by what has no index looks through so many rows, says so, and offers to go further.

No index may name a status (decision 18). So the newest LOOKED rows of what the indexes give (of the tenant, a campaign,
a time) are looked through, in the order of the list; a rare status in a big window answers as fast as a common one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import msgspec
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from dispatching.partitions import moment_of

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList

LOOKED = 20_000
BEFORE = "before"
"""The parameter that says where to go on looking: an id of the list."""


class Look(msgspec.Struct, frozen=True):
    """How far was looked. `further` is the query string that goes on, `since` the moment it stopped at."""

    count: int
    since: dt.datetime
    further: str


class Before(admin.SimpleListFilter):
    """Shows nothing: it lets the parameter through, which BoundedChangeList applies."""

    title = "before"
    parameter_name = BEFORE

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return []

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class BoundedChangeList(ChangeList):
    """For lists ordered by falling UUIDv7 keys. Filters that no index serves have `unindexed = True`."""

    look: Look | None = None
    always = False
    """Whether what the list is of has no index by itself."""

    def indexed_rows(self, _request: HttpRequest) -> QuerySet[Any]:
        """Where the rows to look through are counted: of the list itself, or of the table that its ids are of."""
        rows: QuerySet[Any] = self.root_queryset
        return rows

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        found = super().get_queryset(request, exclude_parameters)
        before = _identifier(request.GET.get(BEFORE, ""))
        if before:
            found = found.filter(pk__lt=before)
        if self.query or not (self.always or any(_narrows(spec, request) for spec in self.filter_specs)):
            return found
        last = self._last(request, before)
        if last is None:
            return found
        further = self.get_query_string({BEFORE: str(last)}, ["p", "e"])
        self.look = Look(LOOKED, moment_of(last), further)
        return found.filter(pk__gte=last)

    def _last(self, request: HttpRequest, before: uuid.UUID | None) -> uuid.UUID | None:
        """The id of the last row that is looked at; None where there are fewer."""
        indexed = self.indexed_rows(request)
        for spec in self.filter_specs:
            if not getattr(spec, "unindexed", False):
                narrowed = spec.queryset(request, indexed)
                indexed = indexed if narrowed is None else narrowed
        if before:
            indexed = indexed.filter(pk__lt=before)
        row: uuid.UUID | None = (
            indexed.select_related(None).order_by("-pk").values_list("pk", flat=True)[LOOKED - 1 : LOOKED].first()
        )
        return row


def _narrows(spec: Any, request: HttpRequest) -> bool:
    if not getattr(spec, "unindexed", False):
        return False
    return any(request.GET.get(name) for name in spec.expected_parameters() if name)


def _identifier(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
