"""Who uses a segment or an attribute. Rooms above add a source at start-up (an app's ready()): nothing climbs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from audiences.models import AttributeDefinition, Segment
from tenants.models import Tenant

SHOWN = 5


class Use(msgspec.Struct, frozen=True):
    """Somebody who needs the row. `url` is his page, "" where he has none."""

    name: str
    url: str = ""


Source = Callable[[AttributeDefinition | Segment], list[Use]]

_sources: list[Source] = []


def add_source(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def uses_of(row: AttributeDefinition | Segment) -> list[Use]:
    """Of a row of one tenant; what all tenants share is in nobody's hands here."""
    if row._state.adding or row.tenant_id is None:
        return []
    return [*_person_key(row), *(use for source in _sources for use in source(row))]


def names_of(uses: list[Use]) -> str:
    """At most a handful, for a message."""
    names = [use.name for use in uses[:SHOWN]]
    return ", ".join([*names, "…"] if len(uses) > SHOWN else names)


def _person_key(row: AttributeDefinition | Segment) -> list[Use]:
    """The organisation itself may tell people apart by an attribute."""
    if not isinstance(row, AttributeDefinition) or row.tenant_id is None:
        return []
    tenants = Tenant.objects.filter(pk=row.tenant_id, person_key_attribute=row.name)
    return [Use(tenant.name) for tenant in tenants]
