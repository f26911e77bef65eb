"""Lines of the audit trail as people read them: labels of fields, choices and numbers in words, names for ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.formats import date_format, number_format, time_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from prism.history.names import Names, kind_of
from prism.history.recording import BY_KIND, Recorded
from prism.models import Change
from tenants.models import ApiKey

NOTHING = "—"
EMPTY: tuple[Any, ...] = (None, "", [], {})
FEW = 4
"""So many details are shown at once; more open at a click."""
# A Monday, so that weekdays can be named by counting on.
_MONDAY = dt.date(2024, 1, 1)


class Detail(msgspec.Struct, frozen=True):
    """One value: of what, before, after. `hidden`: that it changed is all that is known."""

    label: str
    before: str = ""
    after: str = ""
    hidden: bool = False


class Told(msgspec.Struct, frozen=True):
    """One line, ready for a page."""

    at: dt.datetime
    who: str
    by: str
    deed: str
    done: str
    kind: str
    name: str
    url: str
    details: list[Detail]

    @property
    def many(self) -> bool:
        return len(self.details) > FEW


def tell(lines: Sequence[Change]) -> list[Told]:
    """All lines of a page, with a number of queries that does not grow with them."""
    names = Names(lines)
    return [_told(line, names) for line in lines]


def _told(line: Change, names: Names) -> Told:
    recorded = BY_KIND[line.kind]
    return Told(
        at=line.at,
        who=_who(line, names),
        by=_by(line),
        deed=line.deed,
        done=line.get_deed_display(),
        kind=str(capfirst(recorded.model._meta.verbose_name)),
        name=names.of((line.kind, line.object_id)) or names.of_row(recorded, line.row) or line.object_id,
        url=_url(recorded, line, names),
        details=list(_details(recorded, line, names)),
    )


def _who(line: Change, names: Names) -> str:
    if line.user_id:
        return names.of((User._meta.label_lower, str(line.user_id))) or f"#{line.user_id}"
    if key := line.context.get("key"):
        return _("API key “%(name)s”") % {"name": names.of((ApiKey._meta.label_lower, str(key))) or key}
    return _("Command %(name)s") % {"name": line.context.get("program", "")}


def _by(line: Change) -> str:
    """What was used: the page's or API's address, or the command."""
    return str(line.context.get("path") or line.context.get("program") or "")


def _url(recorded: Recorded, line: Change, names: Names) -> str:
    """The page of the row, or of what it is part of; "" where there is none any more."""
    key, row = line.object_id, line.row
    if recorded.model is User:
        # Those pages are superusers' only.
        return ""
    while recorded.model not in admin.site._registry:
        if not recorded.part_of:
            return ""
        field = recorded.model._meta.get_field(recorded.part_of)
        kind = kind_of(field)
        key = str(row.get(field.column))  # type: ignore[union-attr]  # `part_of` is a foreign key
        if BY_KIND[kind].part_of:
            # Two floors down: the page is not worth another query.
            return ""
        recorded = BY_KIND[kind]
    if not names.exists((recorded.kind, key)):
        return ""
    options = recorded.model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[key])


def _details(recorded: Recorded, line: Change, names: Names) -> Iterator[Detail]:
    for field in recorded.model._meta.local_fields:
        column, label = field.column, str(capfirst(field.verbose_name))
        if line.deed == "update":
            if column not in (line.changes or {}):
                continue
            pair = line.changes[column]  # type: ignore[index]  # looked at just now
            yield from [Detail(label, hidden=True)] if pair is None else _pairs(field, label, pair, names)
        elif line.row.get(column) not in EMPTY:
            value = line.row[column]
            pair = (None, value) if line.deed == "insert" else (value, None)
            yield from _pairs(field, label, pair, names)


def _pairs(field: Any, label: str, pair: Any, names: Names) -> Iterator[Detail]:
    """One detail, or one for every place inside a JSON value that differs."""
    before, after = pair
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                yield from _pairs(field, f"{label} · {key}", (old.get(key), new.get(key)), names)
        return
    yield Detail(label, in_words(field, before, names), in_words(field, after, names))


def in_words(field: Any, value: Any, names: Names) -> str:
    """One recorded value of a field."""
    if value in EMPTY:
        return NOTHING
    if kind := kind_of(field):
        return names.of((kind, str(value))) or _("(deleted)")
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _plain(field, value)


def _plain(field: Any, value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(_item(field, one) for one in value)
    if isinstance(value, str):
        return _text(field, value)
    return number_format(value)


def _item(field: Any, value: Any) -> str:
    if field.model is ApiKey and field.name == "scopes":
        from tenants.admin import SCOPE_LABELS  # template tags are loaded before the admin is complete

        return str(SCOPE_LABELS.get(value, value))
    return str(value)


def _text(field: Any, value: str) -> str:
    if field.name == "week_days":
        return ", ".join(date_format(_MONDAY + dt.timedelta(days=int(day) - 1), "l") for day in value.split(","))
    if isinstance(field, models.DateTimeField) and (moment := parse_datetime(value)):
        return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")
    if isinstance(field, models.DateField) and (day := parse_date(value)):
        return date_format(day, "SHORT_DATE_FORMAT")
    if isinstance(field, models.TimeField) and (time := parse_time(value)):
        return time_format(time, "H:i")
    return value
