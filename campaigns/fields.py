"""Form fields over what a page has read already: no query per row and field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.widgets import MappingWidget


class PickField(forms.ChoiceField):
    """A row out of rows in memory. `rows` is by key; `choices` are those that this page offers."""

    default_error_messages = {"invalid_choice": _("This is no longer there, or was switched off. Choose another one.")}
    rows: Mapping[Any, Any]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = {}

    def prepare_value(self, value: Any) -> Any:
        return getattr(value, "pk", value)

    def clean(self, value: Any) -> Any:
        picked = super().clean(value)
        return next((row for key, row in self.rows.items() if str(key) == picked), None)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(self.prepare_value(initial) or "") != str(data or "")


class MappingField(forms.Field):
    """`field_mappings`. What is wrong in it is told by `campaigns.mappings`, against the template."""

    widget = MappingWidget

    def clean(self, value: Any) -> dict[str, Any]:
        return value or {}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _plain(initial) != _plain(data)


def _plain(mapping: Any) -> dict[str, tuple[str, str]]:
    """Both written forms of an entry as one: "first_name" is {"field": "first_name"}."""
    return {
        name: (entry.get("field", ""), entry.get("default") or "") if isinstance(entry, dict) else (entry, "")
        for name, entry in (mapping or {}).items()
    }
