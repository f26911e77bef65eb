"""Saving a campaign whole: its fields, segments, providers, templates and mappings, in one transaction or not at all.

Doors (admin, API) make one call here and translate the answer: a ValidationError whose dictionary has a field's name,
or `providers.0.template_id` for what is wrong in a row of the providers.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from audiences.models import Segment
from campaigns.control import apply_rate
from campaigns.models import TAKEN, Campaign, CampaignProvider, CampaignProviderTemplate, CampaignSegment
from campaigns.provider_rows import Errors, ProviderRow, row_errors
from campaigns.weekdays import format_week_days, parse_week_days
from tenants.validation import Coded, coded_messages, violated_constraint

FIELDS = frozenset(
    {
        "name",
        "description",
        "audience_name",
        "channel",
        "external_id",
        "start_date",
        "end_date",
        "control_group_rate",
        "dispatch_mode",
        "trigger_time",
        "week_days",
        "timezone",
        "strategy",
        "max_messages_per_minute",
        "is_active",
        "ignores_caps",
        "owner_id",
    }
)
"""What an author sets. `week_days` may be the seed's string or a list."""


def create_campaign(
    *,
    tenant_id: int,
    fields: Mapping[str, Any],
    providers: Sequence[ProviderRow] = (),
    segment_ids: Collection[uuid.UUID] = (),
    by: str,
) -> Campaign:
    """Raises ValidationError with everything that is wrong; then nothing was written."""
    campaign = Campaign(tenant_id=tenant_id, created_by=by)
    return save_campaign(campaign, fields=fields, providers=providers, segment_ids=segment_ids)


def update_campaign(
    *,
    tenant_id: int,
    campaign_id: uuid.UUID,
    fields: Mapping[str, Any],
    providers: Sequence[ProviderRow] | None = None,
    segment_ids: Collection[uuid.UUID] | None = None,
) -> Campaign:
    """Change what is given; None leaves providers or segments as they are. Raises DoesNotExist, ValidationError."""
    campaign = Campaign.objects.get(tenant_id=tenant_id, pk=campaign_id)
    return save_campaign(campaign, fields=fields, providers=providers, segment_ids=segment_ids)


def save_campaign(
    campaign: Campaign,
    *,
    fields: Mapping[str, Any],
    providers: Sequence[ProviderRow] | None,
    segment_ids: Collection[uuid.UUID] | None,
) -> Campaign:
    """Both of the above, for a campaign in hand. What the campaign has frozen of its control group stays true."""
    try:
        with transaction.atomic():
            stored = Campaign.objects.select_for_update().filter(pk=campaign.pk).first()
            errors = _set_fields(campaign, fields)
            _merge(errors, campaign_errors(campaign, told=errors))
            _merge(errors, row_errors(campaign.tenant_id, providers or ()))
            _merge(errors, segment_errors(campaign.tenant_id, segment_ids or ()))
            if errors:
                raise ValidationError(errors)
            _keep_control(campaign, stored)
            campaign.save()
            _write_segments(campaign, segment_ids)
            _write_providers(campaign, providers)
    except IntegrityError as error:
        field = {"campaign_name_once": "name", "campaign_external_id_once": "external_id"}.get(
            violated_constraint(error)
        )
        if field is None:
            raise
        raise ValidationError({field: [Coded(TAKEN[field], "unique")]}) from error
    return campaign


def campaign_errors(campaign: Campaign, told: Collection[str] = ()) -> Errors:
    """What is wrong with the campaign's own fields, besides those `told` already."""
    errors: Errors = {}
    try:
        campaign.full_clean(exclude=set(told), validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        errors.update({field: coded_messages(found) for field, found in error.error_dict.items() if field not in told})
    return errors


def segment_errors(tenant_id: int, segment_ids: Collection[uuid.UUID]) -> Errors:
    known = set(Segment.objects.filter(tenant_id=tenant_id, pk__in=segment_ids).values_list("pk", flat=True))
    unknown = [str(segment_id) for segment_id in segment_ids if segment_id not in known]
    if not unknown:
        return {}
    return {"segments": [Coded(_("There is no such segment: %(names)s.") % {"names": ", ".join(unknown)}, "unknown")]}


def _set_fields(campaign: Campaign, fields: Mapping[str, Any]) -> Errors:
    errors: Errors = {
        name: [Coded(_("There is no such field."), "unknown_field")] for name in fields if name not in FIELDS
    }
    for name, value in fields.items():
        if name == "week_days" and value:
            try:
                campaign.week_days = format_week_days(parse_week_days(value))
            except ValidationError as error:
                errors[name] = coded_messages([error])
        elif name == "external_id":
            # Empty is "not given": two campaigns without one do not share it.
            campaign.external_id = value or None
        elif name in FIELDS:
            setattr(campaign, name, value)
    return errors


def _keep_control(campaign: Campaign, stored: Campaign | None) -> None:
    """The first dispatch may have frozen the group since the author opened the form: the stored row tells."""
    if stored is None:
        return
    rate = campaign.control_group_rate
    campaign.control_group_rate = stored.control_group_rate
    campaign.control_salt = stored.control_salt
    campaign.control_version = stored.control_version
    campaign.control_frozen_at = stored.control_frozen_at
    apply_rate(campaign, rate)


def _write_segments(campaign: Campaign, segment_ids: Collection[uuid.UUID] | None) -> None:
    if segment_ids is None:
        return
    links = CampaignSegment.objects.filter(campaign=campaign)
    links.exclude(segment_id__in=segment_ids).delete()
    present = set(links.values_list("segment_id", flat=True))
    CampaignSegment.objects.bulk_create(
        CampaignSegment(tenant_id=campaign.tenant_id, campaign=campaign, segment_id=segment_id)
        for segment_id in dict.fromkeys(segment_ids)
        if segment_id not in present
    )


def _write_providers(campaign: Campaign, rows: Sequence[ProviderRow] | None) -> None:
    """A provider that stays keeps its row: dispatches that wait point at it."""
    if rows is None:
        return
    links = CampaignProvider.objects.filter(campaign=campaign)
    links.exclude(provider_id__in=[row.provider_id for row in rows if row.provider_id]).delete()
    for position, row in enumerate(rows, start=1):
        assert row.provider_id is not None and row.template_id is not None, "row_errors has refused it"
        link, _created = CampaignProvider.objects.update_or_create(
            campaign=campaign,
            provider_id=row.provider_id,
            defaults={
                "tenant_id": campaign.tenant_id,
                "label": row.label,
                "order": position if row.order is None else row.order,
                "weight": row.weight,
            },
        )
        CampaignProviderTemplate.objects.update_or_create(
            campaign_provider=link,
            defaults={
                "tenant_id": campaign.tenant_id,
                "template_id": row.template_id,
                "field_mappings": row.field_mappings,
            },
        )


def _merge(errors: Errors, more: Errors) -> None:
    for field, messages in more.items():
        errors.setdefault(field, []).extend(messages)
