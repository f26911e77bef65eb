"""The next provider of a campaign that one provider is enough for, made by the transaction that moved its predecessor.

Only what was definitely not sent goes on (decision 12): an UNKNOWN may have arrived, an EXPIRED is too late for the
next as well. "Next" goes by the order of the campaign, or, where it is weighted, by the one of the person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from campaigns.snapshot import CampaignPlan, ProviderPlan
from dispatching import rows
from dispatching.copying import copy_rows
from dispatching.facts import publish
from dispatching.gates import NOBODY, Draft, order_for, person_key_of, render_draft, up_to_the_first
from dispatching.ids import mint_ids
from dispatching.parcels import LaneKey, Parcel
from dispatching.results import Move
from dispatching.snapshot import Snapshot
from dispatching.statuses import Status

_LOAD = """
SELECT d.id::text, d.tenant_id, d.trigger_id::text, d.correlation_id, d.trace_id, d.contact_tax_id, d.contact_data,
  d.triggered_at, d.received_at
FROM dispatches d WHERE d.id = ANY(%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid
"""


def add_successors(
    cursor: psycopg.Cursor,
    snapshot: Snapshot,
    moved: Sequence[Move],
    now: dt.datetime,
    unavailable: frozenset[str] = NOBODY,
) -> int:
    """Write what follows the failed dispatches of `moved`. Returns how many new dispatches wait to be sent."""
    failed = {move.parcel.id: (move, campaign) for move in moved if (campaign := _goes_on(move, snapshot))}
    if not failed:
        return 0
    drafted: list[tuple[Draft, CampaignPlan, rows.Origin, Move]] = []
    cursor.execute(_LOAD, [list(failed), min(failed), max(failed)])
    for row in cursor.fetchall():
        move, campaign = failed[row[0]]
        origin, attributes = _origin(row)
        drafts = _next_drafts(move.parcel, campaign, snapshot, origin, attributes, unavailable)
        for draft in drafts:
            if draft.status is Status.PENDING:
                draft.not_after = move.parcel.not_after
                if campaign.mode == "ASYNC":
                    draft.status, draft.due_at = Status.SCHEDULED, now
        drafted += [(draft, campaign, origin, move) for draft in drafts]
    return _write(cursor, drafted, now)


def those_with_a_taker(
    cursor: psycopg.Cursor, snapshot: Snapshot, parcels: Iterable[Parcel], unavailable: frozenset[str]
) -> set[str]:
    """Ids of those that another provider of their campaign can send now: one that is available, and has an address and
    all that its message asks for. What may have arrived already has none."""
    asked: dict[str, tuple[Parcel, CampaignPlan]] = {}
    for parcel in parcels:
        campaign = snapshot.by_id.get(parcel.campaign_id) if parcel.campaign_id else None
        if campaign is not None and campaign.is_active and campaign.goes_on and not parcel.doubtful:
            asked[parcel.id] = parcel, campaign
    if not asked:
        return set()
    found = set()
    cursor.execute(_LOAD, [list(asked), min(asked), max(asked)])
    for row in cursor.fetchall():
        parcel, campaign = asked[row[0]]
        drafts = _next_drafts(parcel, campaign, snapshot, *_origin(row), unavailable)
        last = drafts[-1] if drafts else None
        if last and last.plan and last.status is Status.PENDING and last.plan.provider_id not in unavailable:
            found.add(parcel.id)
    return found


def _goes_on(move: Move, snapshot: Snapshot) -> CampaignPlan | None:
    if move.status not in (Status.FAILED, Status.REFUSED) or move.parcel.campaign_id is None:
        return None
    campaign = snapshot.by_id.get(move.parcel.campaign_id)
    return campaign if campaign and campaign.is_active and campaign.goes_on else None


def _origin(row: tuple[Any, ...]) -> tuple[rows.Origin, dict[str, Any]]:
    origin = rows.Origin(
        tenant_id=row[1],
        trigger_id=row[2],
        correlation_id=row[3],
        trace_id=row[4],
        tax_id=row[5],
        contact_data=msgspec.json.encode(row[6]).decode(),
        triggered_at=row[7],
        received_at=row[8],
        predecessor_id=row[0],
    )
    return origin, row[6]


def _next_drafts(
    parcel: Parcel,
    campaign: CampaignPlan,
    snapshot: Snapshot,
    origin: rows.Origin,
    attributes: dict[str, Any],
    unavailable: frozenset[str],
) -> list[Draft]:
    """The providers after the failed one: refused ones until the first that can send."""
    person = person_key_of(attributes, campaign)
    plans = order_for(campaign, person, origin.correlation_id)
    drafts = [
        render_draft(plan, snapshot.providers.get(plan.provider_id), attributes, person=person)
        for plan in _after(plans, parcel.campaign_provider_id)
    ]
    return up_to_the_first(drafts, unavailable)


def _after(providers: Sequence[ProviderPlan], campaign_provider_id: str | None) -> Sequence[ProviderPlan]:
    for index, plan in enumerate(providers):
        if plan.campaign_provider_id == campaign_provider_id:
            return providers[index + 1 :]
    return ()


def _write(
    cursor: psycopg.Cursor, drafted: Sequence[tuple[Draft, CampaignPlan, rows.Origin, Move]], now: dt.datetime
) -> int:
    if not drafted:
        return 0
    clock = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert clock is not None
    identifiers = mint_ids(clock[0], len(drafted))
    stamp = clock[0].isoformat()
    dispatches, due, refused = [], [], []
    for identifier, (draft, campaign, origin, _) in zip(identifiers, drafted, strict=True):
        dispatches.append(rows.dispatch_line(identifier, draft, campaign, origin, stamp))
        if draft.status is Status.REFUSED or draft.plan is None or draft.not_after is None:
            refused.append(identifier)
        else:
            lane = LaneKey(draft.plan.provider_id, int(rows.lane_class_of(campaign)))
            due.append(rows.due_line(identifier, lane, now, draft.not_after))
    copy_rows(cursor, "dispatches", rows.DISPATCHES, dispatches)
    copy_rows(cursor, "due_dispatches", rows.DUE, due)
    publish(cursor, refused)
    return len(due)
