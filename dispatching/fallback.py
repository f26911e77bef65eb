"""The next provider of a campaign whose strategy is fallback, made by the transaction that moved its predecessor.

Only a definite failure goes on (decision 12): an UNKNOWN may have arrived, an EXPIRED is too late for the next as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from campaigns.snapshot import CampaignPlan, ProviderPlan
from dispatching import rows
from dispatching.copying import copy_rows
from dispatching.facts import publish
from dispatching.gates import Draft, person_key_of, render_draft
from dispatching.ids import mint_ids
from dispatching.parcels import LaneKey
from dispatching.results import Move
from dispatching.snapshot import Snapshot
from dispatching.statuses import Status

_LOAD = """
SELECT d.id::text, d.tenant_id, d.trigger_id::text, d.correlation_id, d.trace_id, d.contact_tax_id, d.contact_data,
  d.triggered_at, d.received_at
FROM dispatches d WHERE d.id = ANY(%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid
"""


def add_successors(cursor: psycopg.Cursor, snapshot: Snapshot, moved: Sequence[Move], now: dt.datetime) -> int:
    """Write what follows the failed dispatches of `moved`. Returns how many new dispatches wait to be sent."""
    failed = {move.parcel.id: (move, campaign) for move in moved if (campaign := _goes_on(move, snapshot))}
    if not failed:
        return 0
    drafted: list[tuple[Draft, CampaignPlan, rows.Origin, Move]] = []
    cursor.execute(_LOAD, [list(failed), min(failed), max(failed)])
    for row in cursor.fetchall():
        move, campaign = failed[row[0]]
        origin, attributes = _origin(row)
        drafted += [
            (draft, campaign, origin, move) for draft in _next_drafts(move, campaign, snapshot, attributes, now)
        ]
    return _write(cursor, drafted, now)


def _goes_on(move: Move, snapshot: Snapshot) -> CampaignPlan | None:
    if move.status not in (Status.FAILED, Status.REFUSED) or move.parcel.campaign_id is None:
        return None
    campaign = snapshot.by_id.get(move.parcel.campaign_id)
    return campaign if campaign and campaign.is_active and campaign.strategy == "fallback" else None


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
    move: Move, campaign: CampaignPlan, snapshot: Snapshot, attributes: dict[str, Any], now: dt.datetime
) -> list[Draft]:
    """The providers after the failed one: refused ones until the first that can send, which waits from now on."""
    drafts = []
    for plan in _after(campaign.providers, move.parcel.campaign_provider_id):
        person = person_key_of(attributes, campaign)
        draft = render_draft(plan, snapshot.providers.get(plan.provider_id), attributes, person=person)
        drafts.append(draft)
        if draft.status is Status.PENDING:
            draft.not_after = move.parcel.not_after
            if campaign.mode == "ASYNC":
                draft.status, draft.due_at = Status.SCHEDULED, now
            break
    return drafts


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
