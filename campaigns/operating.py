"""What is done to campaigns as a whole: switched on and off, copied, deleted. Doors ask first; these do it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.authoring import campaign_errors
from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate, CampaignSegment
from campaigns.provider_rows import ProviderRow, row_errors

NAME_MAX = 200
# What a copy does not take over: identity, key at other systems, and the draw of the control group.
_OWN = frozenset(
    {
        *("id", "name", "external_id", "is_active", "owner", "created_at", "updated_at", "created_by"),
        *("control_salt", "control_version", "control_frozen_at"),
    }
)


class Switched(msgspec.Struct, frozen=True):
    """`changed`: ids; `refused`: name → what is wrong there."""

    changed: list[uuid.UUID]
    refused: dict[str, list[str]]


def switch_campaigns(*, tenant_id: int, campaign_ids: Collection[uuid.UUID], active: bool) -> Switched:
    """Set the flag. One that could not be saved as it stands (a broken mapping) is not switched on."""
    with transaction.atomic():
        campaigns = list(
            Campaign.objects.select_for_update()
            .filter(tenant_id=tenant_id, pk__in=campaign_ids, is_active=not active)
            .order_by("pk")
        )
        refused = _broken(tenant_id, campaigns) if active else {}
        changed = [campaign.pk for campaign in campaigns if campaign.name not in refused]
        Campaign.objects.filter(pk__in=changed).update(is_active=active, updated_at=timezone.now())
    return Switched(changed, refused)


def _broken(tenant_id: int, campaigns: Collection[Campaign]) -> dict[str, list[str]]:
    links = CampaignProvider.objects.filter(campaign__in=campaigns).select_related("template_link")
    rows: dict[uuid.UUID, list[ProviderRow]] = {campaign.pk: [] for campaign in campaigns}
    for link in links:
        rows[link.campaign_id].append(_row(link))
    broken = {}
    for campaign in campaigns:
        errors = {**campaign_errors(campaign), **row_errors(tenant_id, rows[campaign.pk])}
        if not rows[campaign.pk]:
            errors["providers"] = [_("It has no provider: nothing would be sent.")]
        if errors:
            broken[campaign.name] = list(dict.fromkeys(text for messages in errors.values() for text in messages))
    return broken


def _row(link: CampaignProvider) -> ProviderRow:
    template = getattr(link, "template_link", None)
    return ProviderRow(
        provider_id=link.provider_id,
        template_id=template.template_id if template else None,
        field_mappings=template.field_mappings if template else {},
        label=link.label,
        order=link.order,
        weight=link.weight,
    )


def duplicate_campaign(*, tenant_id: int, campaign_id: uuid.UUID, by: str, owner_id: int | None = None) -> Campaign:
    """A copy with everything that hangs on it: inactive, under a free name, its control group drawn by itself.

    Raises DoesNotExist. What is wrong with the original is copied too, and told when the copy is saved.
    """
    with transaction.atomic():
        source = Campaign.objects.select_for_update().get(tenant_id=tenant_id, pk=campaign_id)
        copied: dict[str, Any] = {
            field.name: getattr(source, field.name) for field in Campaign._meta.fields if field.name not in _OWN
        }
        copy = Campaign.objects.create(
            **copied,
            name=_free_name(source),
            is_active=False,
            owner_id=owner_id or source.owner_id,
            created_by=by[:150],
        )
        CampaignSegment.objects.bulk_create(
            CampaignSegment(tenant_id=tenant_id, campaign=copy, segment_id=segment_id)
            for segment_id in CampaignSegment.objects.filter(campaign=source).values_list("segment_id", flat=True)
        )
        for link in CampaignProvider.objects.filter(campaign=source).select_related("template_link"):
            _copy_link(link, copy)
    return copy


def _copy_link(link: CampaignProvider, copy: Campaign) -> None:
    template = getattr(link, "template_link", None)
    made = CampaignProvider.objects.create(
        tenant_id=copy.tenant_id,
        campaign=copy,
        provider_id=link.provider_id,
        label=link.label,
        order=link.order,
        weight=link.weight,
    )
    if template is not None:
        CampaignProviderTemplate.objects.create(
            tenant_id=copy.tenant_id,
            campaign_provider=made,
            template_id=template.template_id,
            field_mappings=template.field_mappings,
        )


def _free_name(source: Campaign) -> str:
    suffix = _("_copy")
    stem = source.name[: NAME_MAX - len(suffix) - 6] + suffix
    taken = set(
        Campaign.objects.filter(tenant_id=source.tenant_id, name__startswith=stem).values_list("name", flat=True)
    )
    return next(name for name in (stem, *(f"{stem}_{number}" for number in range(2, 10_000))) if name not in taken)


def why_kept(campaign: Campaign) -> str:
    """Why a campaign cannot be deleted; "" where it can. No foreign key of the database holds its history."""
    if not any(model._base_manager.filter(**{field: campaign}).exists() for model, field in _histories()):
        return ""
    return _("“%(name)s” has a history of dispatches: switch it off instead.") % {"name": campaign.name}


def _histories() -> list[tuple[type[models.Model], str]]:
    """Tables of the rooms above that keep what a campaign did, and their column."""
    return [
        (relation.related_model, relation.field.name)
        for relation in Campaign._meta.related_objects
        if relation.on_delete is models.DO_NOTHING and relation.related_model._meta.managed
    ]


def delete_campaign(*, tenant_id: int, campaign_id: uuid.UUID) -> None:
    """With what hangs on it. Raises DoesNotExist, or ValidationError where it has sent something."""
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(tenant_id=tenant_id, pk=campaign_id)
        if reason := why_kept(campaign):
            raise ValidationError(reason, code="in_use")
        campaign.delete()
