"""What a contact would read: a template with a campaign's mapping over one contact's attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from campaigns.mappings import compile_mapping, resolve
from templates.models import MessageTemplate
from templates.previewing import Preview, preview_texts
from templates.rendering import placeholders_of


class Mapped(msgspec.Struct, frozen=True):
    """`missing`: attributes that the contact lacks; `unmapped`: placeholders. Either stops the message."""

    preview: Preview
    missing: tuple[str, ...]
    unmapped: tuple[str, ...]


def preview_message(
    template: MessageTemplate,
    *,
    mapping: Mapping[str, Any],
    attributes: Mapping[str, Any],
    configuration: Mapping[str, Any],
) -> Mapped:
    """Never raises. `configuration` is the provider's: its character limit and whether its bodies are HTML."""
    texts = (template.subject, template.body, *template.variants)
    mapped = compile_mapping(mapping, placeholders_of(*texts))
    values, missing = resolve(mapped, attributes)
    unmapped = tuple(one.placeholder for one in mapped if one.field == "{{" + one.placeholder + "}}")
    preview = preview_texts(
        subject=template.subject,
        body=template.body,
        variants=template.variants,
        values=values,
        channel=template.channel,
        limit=character_limit(configuration),
        html=configuration.get("html") is True,
    )
    return Mapped(preview, tuple(name for name in missing if not name.startswith("{{")), unmapped)


def character_limit(configuration: Mapping[str, Any]) -> int | None:
    """The provider's own limit, as the seed writes it (`features.character_limit`)."""
    features = configuration.get("features")
    for place in (features if isinstance(features, dict) else {}, configuration):
        limit = place.get("character_limit")
        if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0:
            return limit
    return None
