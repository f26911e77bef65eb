"""Which lines of the trail belong to a page: those of one row and of what is part of it, newest first, bounded."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from prism.history.recording import BY_KIND, EVENTS, RECORDED, Recorded
from prism.models import Change

PAGE = 50


def lines_of(row: models.Model, *, before: str = "") -> list[Change] | None:
    """At most PAGE + 1 lines about a row and its parts, older than `before` (an ISO moment); None: not recorded."""
    recorded = BY_KIND.get(row._meta.label_lower)
    if recorded is None:
        return None
    wanted = Q(kind=recorded.kind, object_id=str(row.pk))
    for kind, keys in _parts(recorded, [row.pk]).items():
        wanted |= Q(kind=kind, object_id__in=keys)
    lines = Change.objects.filter(wanted).order_by("-at")
    return list((lines.filter(at__lt=before) if before else lines)[: PAGE + 1])


def _parts(recorded: Recorded, keys: list[Any]) -> dict[str, list[str]]:
    """Kind → ids of the rows that are, or were, part of these, and of theirs."""
    found: dict[str, list[str]] = {}
    for part in RECORDED:
        if not part.part_of:
            continue
        field: Any = part.model._meta.get_field(part.part_of)
        if field.related_model is not recorded.model:
            continue
        events = EVENTS[part.kind].objects.filter(**{f"row__{field.column}__in": _as_json(keys)})
        ids = [str(key) for key in events.values_list("pgh_obj_id", flat=True).distinct()]
        if ids:
            found |= {part.kind: ids, **_parts(part, ids)}
    return found


def _as_json(keys: list[Any]) -> list[Any]:
    return [key if isinstance(key, int) else str(key) for key in keys]
