"""Inputs of the campaign's page: days of the week as buttons, kinds as cards, a mapping as one line per placeholder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

import msgspec
from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from campaigns.choices import Choices, attribute_options

DAYS = [
    ("1", _("Mon")),
    ("2", _("Tue")),
    ("3", _("Wed")),
    ("4", _("Thu")),
    ("5", _("Fri")),
    ("6", _("Sat")),
    ("7", _("Sun")),
]
FIELD, DEFAULT = "field", "default"


class WeekDaysWidget(forms.CheckboxSelectMultiple):
    """Seven buttons, Monday first; in and out goes the seed's string."""

    template_name = "campaigns/week_days.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, choices=DAYS)

    def format_value(self, value: Any) -> list[str]:
        parts = value.split(",") if isinstance(value, str) else value or ()
        return [str(part).strip() for part in parts]

    def value_from_datadict(self, data: Any, _files: Any, name: str) -> str:
        parts = data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]
        return ",".join(parts)

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        option["full"] = capfirst(str(WEEKDAYS[int(option["value"]) - 1]))
        return option


class PickedManyWidget(forms.CheckboxSelectMultiple):
    """Check boxes under a search field; the chosen ones come first."""

    template_name = "campaigns/picked_many.html"

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> list[Any]:
        groups = super().optgroups(name, value, attrs)
        return sorted(groups, key=lambda group: not group[1][0]["selected"])


class CardsWidget(forms.RadioSelect):
    """A choice whose options are explained. `told`: value → one sentence."""

    template_name = "campaigns/cards.html"

    def __init__(self, told: Mapping[str, Any], attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.told = told

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        option["told"] = self.told.get(str(option["value"]), "")
        return option


class ZonesInput(forms.TextInput):
    """Text, with the known zones to choose from."""

    template_name = "campaigns/zones.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        zones = sorted(zone for zone in available_timezones() if "/" in zone)
        return {
            **super().get_context(name, value, {**(attrs or {}), "class": "prism-input prism-short"}),
            "zones": zones,
        }


class Line(msgspec.Struct, frozen=True):
    """One placeholder as the page shows it. `groups`: label and (value, text, whether chosen) of its options."""

    placeholder: str
    field: str
    default: str
    groups: list[tuple[str, list[tuple[str, str, bool]]]]
    suggested: bool = False


class MappingWidget(forms.Widget):
    """In and out goes `field_mappings`; on the page a drop-down and a default per placeholder of the template."""

    template_name = "campaigns/mapping.html"
    choices: Choices | None = None
    placeholders: Sequence[str] = ()

    def value_from_datadict(self, data: Any, _files: Any, name: str) -> dict[str, Any]:
        """Placeholders that the page did not show are not in it; one with a default only has no attribute yet."""
        stem, mapping = f"{name}-{FIELD}-", {}
        for key in data:
            if not key.startswith(stem):
                continue
            placeholder = key.removeprefix(stem)
            field, default = data.get(key), data.get(f"{name}-{DEFAULT}-{placeholder}", "")
            if field:
                mapping[placeholder] = {"field": field, "default": default} if default else field
        return mapping

    def value_omitted_from_data(self, _data: Any, _files: Any, _name: str) -> bool:
        return False

    def id_for_label(self, _id: str) -> str:
        return ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["lines"] = lines_of(self.placeholders, value if isinstance(value, dict) else {}, self.choices)
        return context


def lines_of(placeholders: Iterable[str], mapping: Mapping[str, Any], choices: Choices | None) -> list[Line]:
    """The stored mapping by placeholder; where there is none, the attribute of the same name is suggested."""
    if choices is None:
        return []
    known = {one.name for one in choices.attributes}
    lines = []
    for name in placeholders:
        entry = mapping.get(name, "")
        stored = str(entry.get(FIELD, "") if isinstance(entry, dict) else entry)
        default = str(entry.get(DEFAULT) or "") if isinstance(entry, dict) else ""
        field = stored or (name if name in known else "")
        lines.append(Line(name, field, default, _groups(choices, field), suggested=not stored and bool(field)))
    return lines


def _groups(choices: Choices, chosen: str) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    groups: list[tuple[str, list[tuple[str, str, bool]]]] = []
    for value, text in attribute_options(choices, chosen):
        rows = text if isinstance(text, list) else [(value, text)]
        label = value if isinstance(text, list) else ""
        groups.append((label, [(key, told, key == chosen) for key, told in rows]))
    return groups
