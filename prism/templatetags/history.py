"""The audit trail on the page of one row."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model
from django.template import RequestContext
from django.utils.dateparse import parse_datetime

from prism.history.reading import PAGE, lines_of
from prism.history.wording import tell

register = template.Library()


@register.simple_tag(takes_context=True)
def changes_of(context: RequestContext, row: Model) -> dict[str, Any]:
    """`told` lines of a row, newest first, `older`: where the next page begins, and whether the row is recorded."""
    before = context["request"].GET.get("before", "")
    lines = lines_of(row, before=before if _is_moment(before) else "")
    if lines is None:
        return {"recorded": False}
    shown = lines[:PAGE]
    older = shown[-1].at.isoformat() if len(lines) > PAGE else ""
    return {"recorded": True, "told": tell(shown), "older": older}


def _is_moment(text: str) -> bool:
    try:
        return parse_datetime(text) is not None
    except ValueError:
        return False
