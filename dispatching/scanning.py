"""Lists over the history that never read more than a page's worth of it: a rare state costs many short pages, not one
that takes minutes.

What has an index narrows the query itself; what has none (status, provider) is looked for among the next SCANNED rows.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from tenants.api.paging import CursorPages

SCANNED = 10_000
"""Rows that one page looks through. A page may be short, or empty, and still have a next one."""


class ScanPages(CursorPages):
    """The view's `narrowing()` is what no index helps with; its `scanned()` the rows that are looked through."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        scan = Scan(queryset, view.scanned(queryset), view.narrowing())
        rows = super().paginate_queryset(scan, request, view)
        if self.next_cursor is None and scan.last is not None:
            self.next_cursor = self._cursor_of(scan.last)
        return rows

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        told = super().get_paginated_response_schema(schema)
        told["properties"]["next_cursor"]["description"] += (
            f" A page looks through {SCANNED:,} rows at most: it may be short, or empty, and not be the last one."
        )
        return told


class Scan:
    """Goes where a queryset goes: filtered, ordered and cut once, by the page."""

    def __init__(self, shown: QuerySet[Any], scanned: QuerySet[Any], narrow: Q) -> None:
        self._shown, self._scanned, self._narrow = shown, scanned, narrow
        self.last: Model | None = None
        """Where the look ended before the rows did."""

    def filter(self, condition: Q) -> Scan:
        self._shown, self._scanned = self._shown.filter(condition), self._scanned.filter(condition)
        return self

    def order_by(self, *ordering: str) -> Scan:
        self._shown, self._scanned = self._shown.order_by(*ordering), self._scanned.order_by(*ordering)
        return self

    def __getitem__(self, cut: slice) -> QuerySet[Any]:
        if not self._narrow:
            return self._shown[cut]
        self.last = self._scanned.only("pk")[SCANNED - 1 : SCANNED].first()
        bound = Q(pk__gte=self.last.pk) if self.last is not None else Q()
        return self._shown.filter(self._narrow & bound)[cut]
