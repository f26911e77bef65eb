"""Fields that take what their type says and nothing that merely looks like it: 1 is no text, "1" is no number."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.identity import tenant_of


class Text(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:100])
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        # JSON knows one kind of number: 5.0 is 5.
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return super().to_internal_value(int(data))


class Share(serializers.DecimalField):
    """A decimal written as a JSON number, and read as one."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> Any:
        return None if value is None else float(value)


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Identifier(serializers.UUIDField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=str(data)[:100])
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """Always UTC, whatever the clock of the organisation is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=dt.UTC, **kwargs)


@extend_schema_field({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"})
class TimeOfDay(serializers.TimeField):
    """By a clock on the wall, to the second: it has no offset, so it is no time of RFC 3339."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%H:%M:%S", input_formats=["%H:%M:%S", "%H:%M"], **kwargs)


class Owner(serializers.SlugRelatedField[User]):
    """Somebody of the same organisation, by user name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="username", queryset=User.objects.none(), **kwargs)

    def get_queryset(self) -> Any:
        identity = tenant_of(self.context["request"])
        return User.objects.filter(membership__tenant_id=identity.id) if identity else User.objects.none()

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


STRICTER: dict[type[Any], type[Any]] = {
    serializers.CharField: Text,
    serializers.IntegerField: Whole,
    serializers.DecimalField: Share,
    serializers.BooleanField: Flag,
    serializers.UUIDField: Identifier,
    serializers.DateTimeField: Moment,
    serializers.TimeField: TimeOfDay,
}
"""What stands in for DRF's own fields wherever a serializer is made from a model."""
