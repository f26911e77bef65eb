"""What the rooms above know of templates: who uses one, and what its placeholders may stand for. They register at
start-up (an app's ready()): nothing climbs.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from templates.models import MessageTemplate


class Use(msgspec.Struct, frozen=True):
    """Somebody who sends the template. `url` is his page."""

    name: str
    url: str
    active: bool


class Placeholder(msgspec.Struct, frozen=True):
    """A name that authors may want to insert, and what it holds."""

    name: str
    text: str


class Outlook(Protocol):
    def uses(self, template: MessageTemplate) -> list[Use]: ...

    def examples(self, template: MessageTemplate) -> dict[str, str]:
        """By placeholder; also for a template that is not stored yet."""
        ...

    def placeholders(self, tenant_id: int) -> list[Placeholder]: ...


_registered: list[Outlook] = []


def register(outlook: Outlook) -> None:
    if outlook not in _registered:
        _registered.append(outlook)


def uses_of(template: MessageTemplate) -> list[Use]:
    return [use for outlook in _registered for use in outlook.uses(template)]


def examples_of(template: MessageTemplate) -> dict[str, str]:
    return {name: text for outlook in _registered for name, text in outlook.examples(template).items()}


def placeholders_for(tenant_id: int) -> list[Placeholder]:
    return [one for outlook in _registered for one in outlook.placeholders(tenant_id)]
