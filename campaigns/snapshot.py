"""All campaigns of all tenants as decisions need them: three queries, everything compiled once, nothing mutable.

`dispatching.snapshot` keeps the picture and loads it again when the configuration version moved (decision 7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import psycopg
import structlog

from campaigns.capping import Cap
from campaigns.control import basis_points
from campaigns.mappings import Mapped, compile_mapping
from campaigns.weekdays import parse_week_days
from templates.rendering import Compiled, compile_text, placeholders_of

log = structlog.get_logger("prism.campaigns")

Cursor = psycopg.Cursor[tuple[Any, ...]]

_CAMPAIGNS = """
SELECT c.id::text, c.tenant_id, c.name, c.is_active, c.start_date, c.end_date, c.control_group_rate, c.control_salt,
       c.control_version, c.control_frozen_at IS NOT NULL, c.dispatch_mode, c.trigger_time, c.week_days, c.timezone,
       c.strategy, t.person_key_attribute, c.ignores_caps, c.max_messages_per_minute
FROM campaigns c JOIN tenants t ON t.id = c.tenant_id
"""
# One row per campaign provider that has a template with a version: the others cannot send anything.
_PROVIDERS = """
SELECT cp.campaign_id::text, cp.id::text, cp.label, cp."order", cp.provider_id::text, m.id::text, v.id::text,
       m.template_code, m.is_active, v.subject, v.body, v.variants, v.media_url, l.field_mappings, cp.weight
FROM campaign_providers cp
JOIN campaign_provider_templates l ON l.campaign_provider_id = cp.id
JOIN templates m ON m.id = l.template_id
JOIN LATERAL (SELECT * FROM template_versions WHERE template_id = m.id ORDER BY number DESC LIMIT 1) v ON true
ORDER BY cp.campaign_id, cp."order", cp.created_at, cp.id
"""

ALL, WEIGHTED = "all", "weighted"

_CAPS = "SELECT tenant_id, id::text, channel, max_messages, period FROM frequency_caps WHERE is_active ORDER BY id"


class ProviderPlan(msgspec.Struct, frozen=True, gc=False):
    """One provider of a campaign, with the newest version of its template. `subject` is None where there is none."""

    campaign_provider_id: str
    label: str
    order: int
    provider_id: str
    template_id: str
    template_version_id: str
    template_code: str
    template_active: bool
    subject: Compiled | None
    body: Compiled
    variants: tuple[Compiled, ...]
    media_url: str
    mapping: tuple[Mapped, ...]
    weight: int = 1


class CampaignPlan(msgspec.Struct, frozen=True, gc=False):
    """A campaign. `rate_basis_points` is the number of control buckets of 10,000; `trigger_time` is midnight where a
    SYNC campaign has none; `providers` go by their order."""

    id: str
    tenant_id: int
    name: str
    is_active: bool
    start_date: dt.date | None
    end_date: dt.date | None
    rate_basis_points: int
    salt: bytes
    control_version: int
    control_frozen: bool
    mode: str
    trigger_time: dt.time
    week_days: frozenset[int]
    zone: ZoneInfo
    strategy: str
    person_key_attribute: str
    providers: tuple[ProviderPlan, ...]
    caps: tuple[Cap, ...] = ()
    per_minute: int | None = None
    """The pace of all its messages together, whoever carries them."""

    @property
    def goes_on(self) -> bool:
        """One of its providers is enough: where one fails or is away, another takes over."""
        return self.strategy != ALL


def load_campaigns(cursor: Cursor) -> list[CampaignPlan]:
    """Read the picture with a plain psycopg cursor of the owner's role: row-level security would hide other tenants."""
    by_campaign: dict[str, list[ProviderPlan]] = {}
    texts: dict[str, tuple[Compiled | None, Compiled, tuple[Compiled, ...], list[str]]] = {}
    for row in cursor.execute(_PROVIDERS).fetchall():
        version_id, subject, body, variants = row[6], row[9], row[10], row[11]
        if version_id not in texts:
            texts[version_id] = _compile(subject, body, variants)
        by_campaign.setdefault(row[0], []).append(_provider_plan(row, *texts[version_id]))
    caps: dict[int, list[Cap]] = {}
    for tenant_id, *cap in cursor.execute(_CAPS).fetchall():
        caps.setdefault(tenant_id, []).append(Cap(*cap))
    return [
        _campaign_plan(row, by_campaign.get(row[0], ()), () if row[16] else caps.get(row[1], ()))
        for row in cursor.execute(_CAMPAIGNS).fetchall()
    ]


def _compile(
    subject: str, body: str, variants: Sequence[str]
) -> tuple[Compiled | None, Compiled, tuple[Compiled, ...], list[str]]:
    return (
        compile_text(subject) if subject else None,
        compile_text(body),
        tuple(compile_text(variant) for variant in variants),
        placeholders_of(subject, body, *variants),
    )


def _provider_plan(
    row: tuple[Any, ...],
    subject: Compiled | None,
    body: Compiled,
    variants: tuple[Compiled, ...],
    placeholders: list[str],
) -> ProviderPlan:
    mapping: Mapping[str, Any] = row[13]
    return ProviderPlan(
        campaign_provider_id=row[1],
        label=row[2],
        order=row[3],
        provider_id=row[4],
        template_id=row[5],
        template_version_id=row[6],
        template_code=row[7],
        template_active=row[8],
        subject=subject,
        body=body,
        variants=variants,
        media_url=row[12],
        mapping=compile_mapping(mapping, placeholders),
        weight=row[14],
    )


def _zone(name: str, campaign_id: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.exception("campaign_zone_unknown", metadata={"campaign_id": campaign_id, "timezone": name})
        return None


def _campaign_plan(row: tuple[Any, ...], providers: Sequence[ProviderPlan], caps: Sequence[Cap]) -> CampaignPlan:
    zone = _zone(row[13], row[0])
    return CampaignPlan(
        id=row[0],
        tenant_id=row[1],
        name=row[2],
        # A zone that the pinned data do not know stops its own campaign, loudly, and no other.
        is_active=row[3] and zone is not None,
        start_date=row[4],
        end_date=row[5],
        rate_basis_points=basis_points(row[6]),
        salt=row[7].bytes,
        control_version=row[8],
        control_frozen=row[9],
        mode=row[10],
        trigger_time=row[11] or dt.time(0),
        week_days=frozenset(parse_week_days(row[12]) if row[12] else ()),
        zone=zone or ZoneInfo("UTC"),
        strategy=row[14],
        person_key_attribute=row[15],
        providers=tuple(providers),
        caps=tuple(caps),
        per_minute=row[17],
    )
