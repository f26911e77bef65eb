"""Counts of published changes, made for the page that shows them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.utils import timezone

if TYPE_CHECKING:
    from tests.prism.tenancies import Filled


def count_changes(filled: Filled, status: str, n: int, *, at: dt.datetime | None = None) -> None:
    """`n` changes into a status, by the tenant's campaign and provider, in two deltas and within the hour of `at`."""
    from campaigns.models import CampaignProvider  # models, which pytest may not load this early
    from dispatching.counts import DispatchCount

    link = CampaignProvider.objects.get(campaign__tenant=filled.tenant)
    hour = (at or timezone.now()).replace(minute=0, second=0, microsecond=0)
    for changes in (n - n // 3, n // 3):
        DispatchCount.objects.create(
            tenant=filled.tenant,
            hour=hour,
            campaign=link.campaign,
            provider=link.provider,
            status=status,
            changes=changes,
        )
