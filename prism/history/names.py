"""What the rows are called that lines of the trail speak of, also of those that are gone: few queries a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from prism.history.recording import BY_KIND, EVENTS, Recorded
from prism.models import Change
from tenants.models import ApiKey

Reference = tuple[str, str]
"""(kind, id)"""
ROUNDS = 3
"""A deleted row is named by rows that may be deleted as well: a campaign's template, its provider, its campaign."""


class Names:
    """Made once per page of lines; `of` answers without asking the database again."""

    def __init__(self, lines: Iterable[Change]) -> None:
        self._known: dict[Reference, str] = {}
        self._gone: dict[Reference, dict[str, Any]] = {}
        wanted = {reference for line in lines for reference in references_of(line)}
        for _round in range(ROUNDS):
            wanted -= {*self._known, *self._gone}
            if not wanted:
                break
            wanted = self._look_up(wanted)

    def exists(self, reference: Reference) -> bool:
        return reference in self._known

    def of(self, reference: Reference) -> str:
        """ "" for one that nothing is known of."""
        if reference in self._known:
            return self._known[reference]
        row = self._gone.get(reference)
        return self.of_row(BY_KIND[reference[0]], row) if row else ""

    def of_row(self, recorded: Recorded, row: dict[str, Any]) -> str:
        """The name of a row by its recorded values."""
        parts = []
        for field in _naming_fields(recorded):
            value = row.get(field.column)
            kind = kind_of(field)
            parts.append(self.of((kind, str(value))) if kind else str(value or ""))
        return " · ".join(part for part in parts if part)

    def _look_up(self, wanted: set[Reference]) -> set[Reference]:
        """Name what is there, remember the last values of what is not; which further rows these speak of."""
        for kind in {kind for kind, _key in wanted}:
            recorded, keys = BY_KIND[kind], [key for one, key in wanted if one == kind]
            paths = _paths(recorded)
            for key, *values in recorded.model._base_manager.filter(pk__in=keys).values_list("pk", *paths):
                self._known[kind, str(key)] = _joined(recorded, values)
            self._remember_gone(kind, [key for key in keys if (kind, key) not in self._known])
        return {reference for (kind, _key), row in self._gone.items() for reference in _named_by(BY_KIND[kind], row)}

    def _remember_gone(self, kind: str, keys: list[str]) -> None:
        if not keys:
            return
        last = EVENTS[kind].objects.filter(pgh_obj_id__in=keys).order_by("pgh_obj_id", "-pgh_id").distinct("pgh_obj_id")
        for key, row in last.values_list("pgh_obj_id", "row"):
            self._gone[kind, str(key)] = row


def references_of(line: Change) -> Iterable[Reference]:
    """Every row that the line speaks of: itself, those it points at or pointed at, and who acted."""
    yield line.kind, line.object_id
    if line.user_id:
        yield User._meta.label_lower, str(line.user_id)
    if key := line.context.get("key"):
        yield ApiKey._meta.label_lower, str(key)
    for field in BY_KIND[line.kind].model._meta.local_fields:
        if kind := kind_of(field):
            values = [line.row.get(field.column), *((line.changes or {}).get(field.column) or ())]
            yield from ((kind, str(value)) for value in values if value is not None)


def kind_of(field: Any) -> str:
    """The kind that a field points at; "" for other fields and for what is not recorded."""
    target = field.related_model if isinstance(field, models.ForeignKey) else None
    kind = target._meta.label_lower if isinstance(target, type) else ""
    return kind if kind in BY_KIND else ""


def _naming_fields(recorded: Recorded) -> list[Any]:
    names = [recorded.part_of, *recorded.naming] if recorded.part_of else recorded.naming
    return [recorded.model._meta.get_field(name) for name in dict.fromkeys(names)]


def _named_by(recorded: Recorded, row: dict[str, Any]) -> Iterable[Reference]:
    for field in _naming_fields(recorded):
        kind, value = kind_of(field), row.get(field.column)
        if kind and value is not None:
            yield kind, str(value)


def _paths(recorded: Recorded) -> list[str]:
    """Look-ups that make up the name, through what the row points at."""
    if recorded.model is User:
        return ["first_name", "last_name", "username"]
    paths = []
    for field in _naming_fields(recorded):
        kind = kind_of(field)
        below = ["username"] if kind == User._meta.label_lower else _paths(BY_KIND[kind]) if kind else []
        paths += [f"{field.name}__{path}" for path in below] or [field.name]
    return paths


def _joined(recorded: Recorded, values: list[Any]) -> str:
    if recorded.model is User:
        first, last, username = values
        return f"{first} {last}".strip() or str(username)
    return " · ".join(str(value) for value in values if value)
