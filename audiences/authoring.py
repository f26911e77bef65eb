"""Rules for attributes and segments, for every door: names that events can carry, and nothing in use is lost."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from audiences.models import AttributeDefinition, AttributeType, Segment
from audiences.uses import names_of, uses_of
from tenants.usage import delete_unused


def attribute_errors(definition: AttributeDefinition) -> dict[str, list[str]]:
    """Messages by field; empty where all is well. `AttributeDefinition.clean` asks."""
    errors: dict[str, list[str]] = {}
    if any(character.isspace() for character in definition.name):
        errors["name"] = [_("A name has no spaces: it is the key under which events carry the value.")]
    if definition.type == AttributeType.NUMBER and definition.example and not _is_number(definition.example):
        errors["example"] = [_("The example of a number is written as 1500.00.")]
    if renamed := _renamed_in_use(definition):
        errors.setdefault("name", []).append(renamed)
    return errors


def delete_attribute(definition: AttributeDefinition) -> None:
    """Raises ValidationError that names who uses it."""
    _delete(definition)


def delete_segment(segment: Segment) -> None:
    """Raises ValidationError that names who uses it."""
    _delete(segment)


def why_kept(row: AttributeDefinition | Segment) -> str:
    """Why it cannot be deleted; "" where it can."""
    uses = uses_of(row)
    if not uses:
        return ""
    return _("“%(row)s” cannot be deleted: it is used by %(users)s.") % {"row": row, "users": names_of(uses)}


def _delete(row: AttributeDefinition | Segment) -> None:
    if reason := why_kept(row):
        raise ValidationError(reason, code="in_use")
    delete_unused(row)


def _renamed_in_use(definition: AttributeDefinition) -> str:
    if definition._state.adding:
        return ""
    stored = AttributeDefinition.objects.filter(pk=definition.pk).first()
    if stored is None or stored.name == definition.name:
        return ""
    uses = uses_of(stored)
    if not uses:
        return ""
    message = _("The name cannot change: %(users)s would no longer find “%(name)s”.")
    return message % {"users": names_of(uses), "name": stored.name}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
