"""Where a template's placeholders come from: `field_mappings` of seed 000 §7. Pure but for `mapping_errors_of`.

`{"name": "first_name"}` takes the attribute; `{"name": {"field": "first_name", "default": "cliente"}}` has a text for
contacts without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from templates.rendering import is_missing, is_storable, value_text
from tenants.validation import Coded

if TYPE_CHECKING:
    from campaigns.models import CampaignProviderTemplate
    from templates.models import MessageTemplate

MAX_DEFAULT = 500
MAX_NAME_SHOWN = 60


class Mapped(NamedTuple):
    """One placeholder of a compiled mapping. `default` is None where a contact without the attribute is refused."""

    placeholder: str
    field: str
    default: str | None


def compile_mapping(mapping: Mapping[str, Any], placeholders: Iterable[str]) -> tuple[Mapped, ...]:
    """The mapping in the order of `placeholders`.

    A placeholder without a usable entry (the template changed after the campaign) takes "{{itself}}" as its field,
    which no contact has: `resolve` tells it as missing, and nothing half-rendered leaves.
    """
    return tuple(_mapped(name, mapping.get(name)) for name in placeholders)


def _mapped(placeholder: str, entry: object) -> Mapped:
    if isinstance(entry, str):
        return Mapped(placeholder, entry, None)
    if isinstance(entry, dict) and isinstance(entry.get("field"), str):
        default = entry.get("default")
        return Mapped(placeholder, entry["field"], default if isinstance(default, str) else None)
    return Mapped(placeholder, "{{" + placeholder + "}}", None)


def resolve(mapping: tuple[Mapped, ...], attributes: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Values by placeholder, and the names of attributes that stop the message: not given, or not text or number.

    A default stands in for what was not given, never for a list or an object: that is an error of the sender.
    """
    values: dict[str, str] = {}
    missing: list[str] = []
    for placeholder, field, default in mapping:
        value = attributes.get(field)
        text = value_text(value)
        if text is None:
            if default is None or not is_missing(value):
                missing.append(field)
                continue
            text = default
        values[placeholder] = text
    return values, missing


def mapping_errors(placeholders: Collection[str], mapping: object, known_attributes: Collection[str]) -> list[str]:
    """What is wrong with an author's mapping, each message with the offending names; empty where all is well."""
    if not isinstance(mapping, dict):
        told = _('The mapping is an object of placeholder and attribute, as {"name": "first_name"}.')
        return [Coded(told, "invalid_mapping")]
    errors: list[str] = []
    unmapped = [name for name in placeholders if name not in mapping]
    if unmapped:
        told = ngettext(
            "This placeholder of the template is not mapped: %(names)s.",
            "These placeholders of the template are not mapped: %(names)s.",
            len(unmapped),
        )
        errors.append(Coded(told % {"names": _listed(unmapped)}, "unmapped_placeholder"))
    extra = [name for name in mapping if name not in placeholders]
    if extra:
        told = ngettext(
            "The template has no such placeholder: %(names)s.",
            "The template has no such placeholders: %(names)s.",
            len(extra),
        )
        errors.append(Coded(told % {"names": _listed(extra)}, "unknown_placeholder"))
    unknown: list[str] = []
    for name, entry in mapping.items():
        errors.extend(Coded(text, "invalid_mapping") for text in _entry_errors(name, entry))
        field = entry.get("field") if isinstance(entry, dict) else entry
        if isinstance(field, str) and field not in known_attributes:
            unknown.append(f"{_shown(name)} → {_shown(field)}")
    if unknown:
        told = _("There is no such contact attribute: %(names)s.")
        errors.append(Coded(told % {"names": ", ".join(unknown)}, "unknown_attribute"))
    return errors


def _entry_errors(name: str, entry: object) -> list[str]:
    shown = {"name": _shown(name)}
    if isinstance(entry, str):
        return []
    if not isinstance(entry, dict):
        return [_("%(name)s: give an attribute's name, or an object with “field” and “default”.") % shown]
    errors = []
    if not isinstance(entry.get("field"), str):
        errors.append(_("%(name)s: “field” is missing; it names the contact attribute.") % shown)
    other = [key for key in entry if key not in ("field", "default")]
    if other:
        errors.append(
            _("%(name)s: only “field” and “default” are known, not %(names)s.") % {**shown, "names": _listed(other)}
        )
    default = entry.get("default", "")
    if not isinstance(default, str):
        errors.append(_("%(name)s: “default” is a text.") % shown)
    elif not is_storable(default):
        errors.append(_("%(name)s: “default” holds a character that cannot be stored.") % shown)
    elif len(default) > MAX_DEFAULT:
        errors.append(_("%(name)s: “default” has at most %(limit)d characters.") % {**shown, "limit": MAX_DEFAULT})
    return errors


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_shown(name) for name in names)


def _shown(name: str) -> str:
    """An author's own text, bounded so that a message stays one."""
    return name if len(name) <= MAX_NAME_SHOWN else name[:MAX_NAME_SHOWN] + "…"


def mapping_errors_of(link: CampaignProviderTemplate) -> list[str]:
    """The same for a row, against its template's placeholders and the attributes its tenant knows."""
    from audiences.attributes import attribute_names

    return mapping_errors(link.template.placeholders, link.field_mappings, attribute_names(link.tenant_id))


def unmapped_notices(template: MessageTemplate) -> list[str]:
    """For the author of a template: the campaigns that do not map what it now asks for, and so cannot send it."""
    from campaigns.models import CampaignProviderTemplate

    links = CampaignProviderTemplate.objects.filter(template_id=template.pk).select_related(
        "campaign_provider__campaign", "campaign_provider__provider"
    )
    message = _("“%(campaign)s” does not map %(names)s: its messages are refused until it does.")
    notices = []
    for link in links:
        unmapped = [name for name in template.placeholders if name not in link.field_mappings]
        if unmapped:
            notices.append(message % {"campaign": link.campaign_provider.campaign.name, "names": _listed(unmapped)})
    return notices
