"""What the author of a template should hear after saving it. Rooms above add a source at start-up: nothing climbs."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from templates.models import MessageTemplate
from templates.rendering import suspicious_placeholders

Source = Callable[[MessageTemplate], list[str]]

_sources: list[Source] = []


def add_source(source: Source) -> None:
    """Called once per process, from an app's ready()."""
    if source not in _sources:
        _sources.append(source)


def notices_of(template: MessageTemplate) -> list[str]:
    """Warnings, not errors: the template is saved, and may still not do what its author expects."""
    return [*suspicions_of(template), *(notice for source in _sources for notice in source(template))]


def suspicions_of(template: MessageTemplate) -> list[str]:
    """Of the texts alone: what looks like a placeholder and is none."""
    texts = [template.subject, template.body, *template.variants]
    found = list(dict.fromkeys(text for text_ in texts for text in suspicious_placeholders(text_)))
    if not found:
        return []
    message = _(
        "This looks like a placeholder and is not one: %(found)s. Write {{name}}: letters a-z, digits and _ only."
    )
    return [message % {"found": ", ".join(found)}]
