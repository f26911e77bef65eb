"""What a provider's page is made of: which form it shows, its sections, and the cards to choose a vendor from."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django.http import HttpRequest
from django.utils.html import escape
from django.utils.translation import gettext as _

from providers import provider_forms, registry, schemas
from providers.authoring import copy_of
from providers.models import Provider
from providers.provider_forms import JsonProviderForm, ProviderForm, SchemaProviderForm
from providers.schema_nodes import Group, Unsupported
from providers.transports import Transport

JSON = "json"
_KEPT = "_provider_page"


class Page(msgspec.Struct, frozen=True):
    """`form` for this request; `vendor` "" where it is JSON's to say; `notice` why it is JSON though a form was due."""

    form: type[ProviderForm]
    vendor: str = ""
    original: Provider | None = None
    """What a copy is made of."""
    notice: str = ""

    @property
    def is_json(self) -> bool:
        return issubclass(self.form, JsonProviderForm)


class Card(msgspec.Struct, frozen=True):
    vendor: str
    title: str
    description: str
    icon: str
    types: str


def cards() -> list[Card]:
    """One per vendor of the registry, in the reader's language."""
    found = []
    for vendor, transport in registry.TRANSPORTS.items():
        schema = schemas.translated_schema(vendor)
        types = ", ".join(sorted(transport.provider_types or ())) or _("any channel")
        icon = schema.get("x-icon", "send")
        found.append(Card(vendor, schema.get("title", vendor), schema.get("description", ""), icon, types))
    return sorted(found, key=lambda card: card.title)


def examples() -> list[tuple[str, str]]:
    """(title, JSON) of every vendor, to start from."""
    return [
        (card.title, json.dumps(registry.TRANSPORTS[card.vendor].example, ensure_ascii=False, indent=2))
        for card in cards()
    ]


def page_of(request: HttpRequest, provider: Provider | None, found: Any) -> Page:
    """`found` gives the tenant's provider of an id, or None. Made once per request: a form class is not cheap."""
    kept: Page | None = getattr(request, _KEPT, None)
    if kept is None:
        kept = _page_of(request, provider, found)
        setattr(request, _KEPT, kept)
    return kept


def is_chosen(request: HttpRequest) -> bool:
    """Whether the address says what to add: a vendor, a copy, or JSON."""
    asked = request.GET
    return (
        asked.get("as") == JSON or "copy" in asked or asked.get("vendor") in registry.TRANSPORTS or _has_json(request)
    )


def sections(page: Page, provider: Provider | None, *, adding: bool) -> list[tuple[Any, dict[str, Any]]]:
    """Fieldsets: who it is, the vendor's own, then pace and the rest."""
    head = ["provider_name", "provider_type", *(["is_active"] if adding else [])]
    configuration: list[tuple[Any, dict[str, Any]]] = [(_("Configuration"), {"fields": ["configuration"]})]
    if issubclass(page.form, SchemaProviderForm):
        configuration = _of_schema(page.form, provider or page.original)
    more = {"classes": ["collapse"], "fields": [("created_at", "created_by", "updated_at"), "connected_at"]}
    closed = [one for one in configuration if "collapse" in one[1].get("classes", ())]
    return [
        (None, {"fields": head}),
        *(one for one in configuration if one not in closed),
        (_("Pace and owner"), {"fields": ["max_messages_per_minute", "owner"]}),
        *closed,
        *([] if adding else [(_("More"), more)]),
    ]


def _page_of(request: HttpRequest, provider: Provider | None, found: Any) -> Page:
    original = None
    if provider is None and "copy" in request.GET:
        source = found(request.GET["copy"])
        original = copy_of(source) if source else None
    shown = provider or original
    if request.GET.get("as") == JSON or _has_json(request):
        return Page(JsonProviderForm, original=original)
    vendor = _vendor_of(shown) if shown else request.GET.get("vendor", "")
    if vendor not in registry.TRANSPORTS:
        return Page(
            JsonProviderForm, original=original, notice=_("Its vendor is not known here: only JSON can show it.")
        )
    try:
        if shown is None or provider_forms.fits(vendor, shown):
            return Page(provider_forms.schema_form(vendor, shown), vendor, original)
    except (Unsupported, ValueError, TypeError, AttributeError):
        pass  # written around the form, or a schema that no form is made for: JSON shows everything
    return Page(
        JsonProviderForm, vendor, original, notice=_("This configuration says things that the form does not show.")
    )


def _has_json(request: HttpRequest) -> bool:
    return request.method == "POST" and "configuration" in request.POST


def _vendor_of(provider: Provider) -> str:
    try:
        transport: Transport = registry.transport_for(provider.provider_type, provider.configuration)
    except registry.UnknownVendor:
        return ""
    return transport.vendor


def _of_schema(form: type[SchemaProviderForm], provider: Provider | None) -> list[tuple[Any, dict[str, Any]]]:
    outer, *inner = form.groups
    rare = [leaf for leaf in outer.leaves if leaf.schema.get("x-rare")]
    plain = [leaf for leaf in outer.leaves if leaf not in rare]
    names = _names(form, plain)
    configuration = provider.configuration if provider else {}
    found: list[tuple[Any, dict[str, Any]]] = []
    if names:
        found.append((outer.schema.get("title"), {"fields": names, "description": _text(outer)}))
    found += [_section(form, group) for group in inner if group.required or group.schema.get("x-open")]
    if rare:
        is_closed = not any(leaf.path[0] in configuration for leaf in rare)
        found.append((_("Limits"), {"fields": _names(form, rare), "classes": ["collapse"] if is_closed else []}))
    for group in inner:
        if not group.required and not group.schema.get("x-open"):
            title, options = _section(form, group)
            found.append((title, {**options, "classes": [] if group.path[0] in configuration else ["collapse"]}))
    if not found:
        found.append((outer.schema.get("title"), {"fields": [], "description": _text(outer)}))
    return found


def _section(form: type[SchemaProviderForm], group: Group) -> tuple[Any, dict[str, Any]]:
    title = group.schema.get("title", group.dotted)
    return title, {"fields": _names(form, group.leaves), "description": _text(group)}


def _names(form: type[SchemaProviderForm], leaves: Any) -> list[str]:
    fields: Any = form.base_fields
    return [name for leaf in leaves for name in fields if name == leaf.name or _belongs(name, leaf.name, form)]


def _belongs(name: str, leaf_name: str, form: type[SchemaProviderForm]) -> bool:
    """`…token__value` belongs to `…token`, and to no leaf of its own."""
    return name.startswith(f"{leaf_name}__") and not any(
        leaf.name == name or (len(leaf.name) > len(leaf_name) and name.startswith(f"{leaf.name}__"))
        for group in form.groups
        for leaf in group.leaves
    )


def _text(group: Group) -> str:
    """Escaped: the theme shows it as HTML."""
    return escape(group.schema.get("description", ""))
