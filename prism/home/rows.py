"""The tables of the home page: today's campaigns, and the providers that fail now."""

from __future__ import annotations

import uuid
from collections import Counter

import msgspec

from dispatching.statuses import Status
from prism.home.numbers import Count, Numbers, by_status, share, success_rate

SHOWN = 8
"""Rows of each table; the lists behind them have all."""


class CampaignRow(msgspec.Struct, frozen=True):
    """Shares are percentages, None where there is nothing to divide by."""

    id: uuid.UUID
    name: str
    sent: int
    failed: int
    success: float | None
    control: float | None


class ProviderRow(msgspec.Struct, frozen=True):
    id: uuid.UUID
    name: str
    failed: int
    share: float
    reason: str


def campaign_rows(today: list[Count], names: dict[uuid.UUID, str]) -> tuple[CampaignRow, ...]:
    grouped: dict[uuid.UUID, list[Count]] = {}
    for count in today:
        if count.campaign_id in names:
            grouped.setdefault(count.campaign_id, []).append(count)
    rows = []
    for campaign_id, counts in grouped.items():
        by = by_status(counts)
        sent, failed, control = by[Status.SENT], by[Status.FAILED], by[Status.CONTROL_GROUP]
        rows.append(
            CampaignRow(
                id=campaign_id,
                name=names[campaign_id],
                sent=sent,
                failed=failed,
                success=success_rate(sent, failed),
                control=share(control, control + sent + failed + by[Status.UNKNOWN]),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.sent - row.failed, row.name))[:SHOWN])


def provider_rows(numbers: Numbers) -> tuple[ProviderRow, ...]:
    """Who fails now, worst first. The reason is the commonest among those that still stand at FAILED."""
    recent: dict[uuid.UUID, Counter[str]] = {}
    for count in numbers.counts:
        if count.provider_id in numbers.providers and count.hour >= numbers.recent_since:
            recent.setdefault(count.provider_id, Counter())[count.status] += count.n
    reasons: dict[uuid.UUID | None, Counter[str]] = {}
    for failure in numbers.failures:
        reasons.setdefault(failure.provider_id, Counter())[failure.reason] += failure.n
    rows = [
        ProviderRow(
            id=provider_id,
            name=numbers.providers[provider_id],
            failed=by[Status.FAILED],
            share=100 * by[Status.FAILED] / (by[Status.SENT] + by[Status.FAILED]),
            reason=next((reason for reason, _n in reasons.get(provider_id, Counter()).most_common(1)), ""),
        )
        for provider_id, by in recent.items()
        if by[Status.FAILED]
    ]
    return tuple(sorted(rows, key=lambda row: (-row.share, -row.failed, row.name))[:SHOWN])
