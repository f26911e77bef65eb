"""Columns that show a state as a coloured label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.contrib import admin

Column = TypeVar("Column", bound=Callable[..., tuple[Any, Any]])


def labelled(description: Any, tones: Mapping[Any, str], *, ordering: str | None = None) -> Callable[[Column], Column]:
    """For a column that returns (value, text). `tones`: value → success, info, warning, danger, primary or ""."""

    def column(function: Column) -> Column:
        vars(function)["label"] = dict(tones)
        return admin.display(description=description, ordering=ordering)(function)

    return column
