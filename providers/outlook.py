"""Who uses a provider and what is remarkable about it, told by the rooms above. They register at start-up (an app's
ready()): nothing climbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from django.db.models import QuerySet, Value

from providers.models import Provider


class Use(msgspec.Struct, frozen=True):
    """Somebody who sends by the provider. `url` is his page."""

    name: str
    url: str
    active: bool


class Notice(msgspec.Struct, frozen=True):
    """Something a person should know who looks at the provider. `url`: where it is told in full."""

    text: str
    url: str


class Outlook(Protocol):
    def uses(self, provider: Provider) -> list[Use]: ...

    def count(self) -> Any:
        """An expression for a query of providers: how many use the row (OuterRef("pk"))."""
        ...


Notices = Callable[[Provider], list[Notice]]

_registered: list[Outlook] = []
_notices: list[Notices] = []


def register(outlook: Outlook) -> None:
    if outlook not in _registered:
        _registered.append(outlook)


def register_notices(notices: Notices) -> None:
    if notices not in _notices:
        _notices.append(notices)


def notices_of(provider: Provider) -> list[Notice]:
    return [notice for notices in _notices for notice in notices(provider)]


def uses_of(provider: Provider) -> list[Use]:
    return [use for outlook in _registered for use in outlook.uses(provider)]


def with_counts(queryset: QuerySet[Provider]) -> QuerySet[Any]:
    """Each row with `used_by`, in the same query."""
    return queryset.annotate(used_by=sum((outlook.count() for outlook in _registered), Value(0)))
