"""Bodies: every field typed, none passed over in silence, read-only ones accepted only as they are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from tenants.api.fields import STRICTER, Choice

if TYPE_CHECKING:
    ModelBase = serializers.ModelSerializer[Any]
    Base = serializers.Serializer[Any]
else:
    ModelBase, Base = serializers.ModelSerializer, serializers.Serializer


class _Strict:
    """Mixed into both kinds of serializers."""

    def to_internal_value(self, data: Any) -> Any:
        told = _surplus(self, data) if isinstance(data, Mapping) else {}
        try:
            value = super().to_internal_value(data)  # type: ignore[misc]  # mixed into DRF's class
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **told}) from None
            raise
        if told:
            raise serializers.ValidationError(told)
        return value


class StrictSerializer(_Strict, Base):
    pass


class StrictModelSerializer(_Strict, ModelBase):
    """Over a model with a `tenant`, which stays out of it: what is unique is asked by the model's own checks.

    A PUT is the whole: a field that it leaves out goes back to its default.
    """

    serializer_field_mapping: ClassVar = {
        model: STRICTER.get(field, field)
        for model, field in serializers.ModelSerializer.serializer_field_mapping.items()
    }
    serializer_choice_field = Choice

    def get_validators(self) -> list[Any]:
        return []

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        return {**self._defaults(), **values} if self.instance is not None and not self.partial else values

    def _defaults(self) -> dict[str, Any]:
        model: type[Model] = self.Meta.model
        columns = {field.name: field for field in model._meta.concrete_fields}
        sources = [str(field.source) for field in self.fields.values() if not field.read_only]
        return {source: columns[source].get_default() for source in sources if source in columns}


def _surplus(serializer: Any, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
    """What the body has and cannot have. A read-only field may stay where it says what it says already."""
    fields = serializer.fields
    writable = [name for name, field in fields.items() if not field.read_only]
    fixed = [name for name, field in fields.items() if field.read_only and name in data]
    told = {name: [ErrorDetail(_unknown(name, writable), "unknown_field")] for name in data if name not in fields}
    if fixed:
        nested = getattr(serializer, "parent", None) is not None
        present = {} if nested or serializer.instance is None else serializer.to_representation(serializer.instance)
        told |= {
            name: [ErrorDetail(_("This field cannot be set."), "read_only")]
            for name in fixed
            if name not in present or present[name] != data[name]
        }
    return told


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return (
        _("There is no such field; did you mean %(name)s?") % {"name": close[0]}
        if close
        else _("There is no such field here.")
    )
