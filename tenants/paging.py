"""Lists of the admin over tables without bounds: never counted to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator

COUNTED = 1000
"""A list tells how many rows it has up to here; beyond, narrowing the filters finds more than turning pages."""


class BoundedPaginator(Pages):
    """Counts no further than `counted` rows, and shows no further either."""

    counted = COUNTED

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # the admin hands no list to its paginator
        return len(rows.order_by().values_list("pk")[: self.counted])
