"""Who is left out on purpose, and always the same people (architecture, decision 9). Pure but for `change_rate`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from templates.rendering import value_text

if TYPE_CHECKING:
    from campaigns.models import Campaign

BUCKETS = 10_000
TAX_ID = "tax_identification"
_PUNCTUATION = re.compile(r"[^0-9A-Za-z]+")


def bucket(salt: bytes, person: str) -> int:
    """0 to 9999, evenly spread; one person keeps it as long as the campaign keeps its salt (at most 64 bytes)."""
    digest = blake2b(person.encode("utf-8", "surrogatepass"), key=salt, digest_size=8).digest()
    return int.from_bytes(digest, "big") % BUCKETS


def in_control(bucket: int, rate: Decimal) -> bool:
    """`rate` is a percentage of two decimals: 10 takes the buckets 0 to 999."""
    return bucket < basis_points(rate)


def basis_points(rate: Decimal) -> int:
    """A rate as a number of buckets."""
    return int(rate * 100)


def person_key(attributes: Mapping[str, Any], declared: str) -> str | None:
    """Who it is: the tax id without punctuation (a CNPJ may hold letters), else the attribute that the tenant declared.

    Check digits are not judged. None where neither is given.
    """
    tax_id = value_text(attributes.get(TAX_ID))
    if tax_id is not None:
        if not (tax_id.isascii() and tax_id.isalnum()):
            tax_id = _PUNCTUATION.sub("", tax_id)
        if tax_id:
            return tax_id.upper()
    if not declared:
        return None
    key = value_text(attributes.get(declared))
    return None if key is None else key.strip()


def change_rate(*, tenant_id: int, campaign_id: uuid.UUID, rate: Decimal, rerandomise: bool = False) -> int:
    """Set the share, and return the control version it belongs to.

    Once the first dispatch froze the group, a change makes a new version, with the same salt (who was in a smaller
    group stays in a larger one) unless `rerandomise`. Raises ValidationError for a rate that is not one.
    """
    from campaigns.models import Campaign

    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(tenant_id=tenant_id, pk=campaign_id)
        try:
            rate = Campaign._meta.get_field("control_group_rate").clean(rate, campaign)
        except ValidationError as error:
            raise ValidationError({"control_group_rate": error}) from None
        if apply_rate(campaign, rate, rerandomise=rerandomise):
            campaign.save(update_fields=[*CONTROL_FIELDS, "updated_at"])
        return campaign.control_version


CONTROL_FIELDS = ("control_group_rate", "control_salt", "control_version", "control_frozen_at")


def apply_rate(campaign: Campaign, rate: Decimal, *, rerandomise: bool = False) -> bool:
    """Change a campaign as read under its row lock, without saving it; whether anything changed."""
    if campaign.control_group_rate == rate and not rerandomise:
        return False
    campaign.control_group_rate = rate
    if rerandomise:
        campaign.control_salt = uuid.uuid4()
    if campaign.control_frozen_at is not None:
        campaign.control_version += 1
        campaign.control_frozen_at = None
    return True
