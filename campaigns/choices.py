"""What an author of a campaign may choose from, read once per page however many rows it has."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from audiences.attributes import attributes_of
from audiences.models import AttributeDefinition
from providers.models import Provider
from templates.models import MessageTemplate

Options = list[tuple[Any, Any]]


class Choices(msgspec.Struct, frozen=True):
    """Switched-off ones are kept for the rows that use them already."""

    providers: dict[uuid.UUID, Provider]
    templates: dict[uuid.UUID, MessageTemplate]
    attributes: list[AttributeDefinition]


def choices_of(tenant_id: int) -> Choices:
    """Three queries."""
    providers = Provider.objects.filter(tenant_id=tenant_id).order_by("provider_type", "provider_name")
    templates = MessageTemplate.objects.filter(tenant_id=tenant_id).order_by("template_name", "template_code", "locale")
    return Choices(
        providers={one.pk: one for one in providers},
        templates={one.pk: one for one in templates.defer("body", "variants", "subject")},
        attributes=list(attributes_of(tenant_id)),
    )


def provider_options(choices: Choices, chosen: object) -> Options:
    """By channel; only active ones, and the chosen one."""
    shown = [one for one in choices.providers.values() if one.is_active or str(one.pk) == str(chosen)]
    return [
        ("", "---------"),
        *_grouped((one.provider_type, str(one.pk), _switched(one.provider_name, one.is_active)) for one in shown),
    ]


def template_options(choices: Choices, chosen: object, channel: str | None) -> Options:
    """Of one channel, or by channel while no provider is chosen; only active ones, and the chosen one."""
    shown = [
        one
        for one in choices.templates.values()
        if (one.is_active and channel in (None, one.channel)) or str(one.pk) == str(chosen)
    ]
    rows = [(one.channel, str(one.pk), template_text(one)) for one in shown]
    if channel is not None and all(group == channel for group, _value, _text in rows):
        return [("", "---------"), *((value, text) for _group, value, text in rows)]
    return [("", "---------"), *_grouped(rows)]


def attribute_options(choices: Choices, chosen: str) -> Options:
    """By group, each with its name, meaning, type and example."""
    options: Options = [("", "---------")]
    if chosen and all(one.name != chosen for one in choices.attributes):
        options.append((chosen, _("%(name)s (does not exist)") % {"name": chosen}))
    return [*options, *_grouped((one.group or _("Other"), one.name, attribute_text(one)) for one in choices.attributes)]


def template_text(template: MessageTemplate) -> str:
    return _switched(f"{template.template_name} ({template.template_code}, {template.locale})", template.is_active)


def attribute_text(definition: AttributeDefinition) -> str:
    told = [definition.description] if definition.description else []
    told.append(str(definition.get_type_display()).lower())
    if definition.example:
        told.append(_("e.g. %(example)s") % {"example": definition.example[:40]})
    return f"{definition.name} · {' · '.join(told)}"


def _switched(text: str, active: bool) -> str:
    return text if active else _("%(name)s (inactive)") % {"name": text}


def _grouped(rows: Iterable[tuple[str, str, str]]) -> Options:
    groups: dict[str, Options] = {}
    for group, value, text in rows:
        groups.setdefault(group, []).append((value, text))
    return list(groups.items())
