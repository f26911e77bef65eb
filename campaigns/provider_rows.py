"""The providers of a campaign as an author gives them (the frontend's payload of seed 000), and what is wrong there."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from audiences.attributes import attribute_names
from campaigns.mappings import mapping_errors
from campaigns.models import CampaignProvider
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.validation import Coded, coded_messages

Errors = dict[str, list[str]]


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One provider with its template. `type` may repeat the provider's; `order` None is the place in the list; `weight`
    counts where the campaign is shared out by weight."""

    provider_id: uuid.UUID | None
    template_id: uuid.UUID | None
    field_mappings: Any = {}
    label: str = ""
    order: int | None = None
    type: str = ""
    weight: int = 1


class _Known(msgspec.Struct, frozen=True):
    """What the tenant has of what the rows name."""

    providers: Mapping[uuid.UUID, Provider]
    templates: Mapping[uuid.UUID, MessageTemplate]
    attributes: Collection[str]


def row_errors(tenant_id: int, rows: Sequence[ProviderRow]) -> Errors:
    """Everything wrong with the rows, by `providers.<index>.<field>`. What another tenant has is unknown here."""
    if not rows:
        return {}
    known = _Known(
        Provider.objects.filter(tenant_id=tenant_id).in_bulk([row.provider_id for row in rows if row.provider_id]),
        MessageTemplate.objects.filter(tenant_id=tenant_id).in_bulk(
            [row.template_id for row in rows if row.template_id]
        ),
        attribute_names(tenant_id),
    )
    errors: Errors = {}
    seen: set[uuid.UUID] = set()
    for index, row in enumerate(rows):
        found = _errors_of(row, known)
        if row.provider_id in seen:
            found.setdefault("provider_id", []).append(
                Coded(_("This provider is already in the campaign."), "repeated")
            )
        if row.provider_id is not None:
            seen.add(row.provider_id)
        errors.update({f"providers.{index}.{field}": messages for field, messages in found.items()})
    return errors


def _errors_of(row: ProviderRow, known: _Known) -> Errors:
    errors = _column_errors(row)
    provider = known.providers.get(row.provider_id) if row.provider_id else None
    template = known.templates.get(row.template_id) if row.template_id else None
    if provider is None:
        errors["provider_id"] = [
            Coded(_("There is no such provider."), "unknown")
            if row.provider_id
            else Coded(_("Choose a provider."), "required")
        ]
    elif row.type and row.type != provider.provider_type:
        told = _("The provider's type is %(actual)s, not %(given)s.")
        errors["type"] = [Coded(told % {"actual": provider.provider_type, "given": row.type[:50]}, "type_mismatch")]
    if template is None:
        errors["template_id"] = [
            Coded(_("There is no such template."), "unknown")
            if row.template_id
            else Coded(_("Choose a template."), "required")
        ]
        return errors
    if provider is not None and template.channel != provider.provider_type:
        told = _("This template is for %(channel)s, and the provider is of type %(type)s.")
        shown = {"channel": template.channel, "type": provider.provider_type}
        errors["template_id"] = [Coded(told % shown, "channel_mismatch")]
    if messages := mapping_errors(template.placeholders, row.field_mappings, known.attributes):
        errors["field_mappings"] = messages
    return errors


def _column_errors(row: ProviderRow) -> Errors:
    link = CampaignProvider(label=row.label, order=1 if row.order is None else row.order, weight=row.weight)
    try:
        link.clean_fields(exclude={"tenant", "campaign", "provider", "created_at"})
    except ValidationError as error:
        return {field: coded_messages(found) for field, found in error.error_dict.items()}
    return {}
