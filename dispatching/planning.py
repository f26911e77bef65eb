"""Plan a batch of triggers in the caller's transaction: snapshot, gates, ledger, rows, facts, first releases.

Set-wise throughout (decision 7): the number of statements does not depend on the number of events.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import psycopg

from campaigns.snapshot import CampaignPlan
from dispatching import reasons, rows
from dispatching.capping import apply_caps
from dispatching.copying import copy_rows
from dispatching.facts import publish
from dispatching.gates import NOBODY, Draft, Moments, Refusal, decide, explain
from dispatching.ids import mint_ids
from dispatching.lanes import Lanes
from dispatching.ledger import Entry, take_keys
from dispatching.parcels import Batch, LaneKey, Parcel
from dispatching.snapshot import Snapshot, SnapshotHolder
from dispatching.statuses import PUBLISHED, Status
from dispatching.triggers import Rejection, Trigger
from providers.settings import ProviderSettings
from templates.rendering import value_text

_FREEZE = """
UPDATE campaigns SET control_frozen_at = now() WHERE control_frozen_at IS NULL AND id IN (
  SELECT id FROM campaigns WHERE id = ANY(%s::uuid[]) AND control_frozen_at IS NULL ORDER BY id FOR UPDATE)
"""


class Planner(msgspec.Struct, frozen=True):
    """What planning needs of the process it runs in. Without lanes everything becomes due rows."""

    worker_id: int
    snapshots: SnapshotHolder
    lanes: Lanes | None = None
    lease_s: float = 10.0


class Plan(msgspec.Struct):
    """What a planning transaction wrote, and what its process does with it after COMMIT."""

    rejections: list[Rejection]
    duplicates: list[int]
    released: list[Batch]
    ahead: list[Batch]
    counts: dict[tuple[str, str], int]
    """(status, provider id) → dispatches made."""
    due: int = 0


def plan_batch(cursor: psycopg.Cursor, planner: Planner, triggers: Sequence[Trigger], now: dt.datetime) -> Plan:
    """Decide and write a batch. Slots taken for releases are in the plan: `accept` it after COMMIT or `abandon` it."""
    snapshot = planner.snapshots.current(cursor)
    if any((trigger.tenant_id, trigger.journey_name) not in snapshot.by_name for trigger in triggers):
        # A campaign may have been made a moment ago: look once more before calling its journey unknown.
        snapshot = planner.snapshots.current(cursor)
    moments: Moments = {}
    unavailable = planner.lanes.unavailable() if planner.lanes else NOBODY
    decisions = [_decide(trigger, snapshot, now, moments, unavailable) for trigger in triggers]
    created_at = _database_time(cursor)
    trigger_ids = mint_ids(created_at, len(triggers))
    taken, plan = _take_ledger(cursor, triggers, decisions, trigger_ids, created_at)
    accepted = [(triggers[index], trigger_ids[index], decisions[index]) for index in taken]
    try:
        _Writer(planner, snapshot, plan, created_at).write(cursor, accepted)
    except BaseException:
        # The caller never sees this plan, so it cannot abandon it.
        abandon_plan(planner, plan)
        raise
    return plan


def abandon_plan(planner: Planner, plan: Plan) -> None:
    """A plan that was rolled back: the slots of what it released are free again."""
    if planner.lanes is not None:
        counts: Counter[LaneKey] = Counter()
        for batch in plan.released:
            counts[batch.lane] += len(batch.parcels)
        planner.lanes.give_back(counts)


def _decide(
    trigger: Trigger, snapshot: Snapshot, now: dt.datetime, moments: Moments, unavailable: frozenset[str]
) -> list[Draft] | Refusal:
    campaign = snapshot.by_name.get((trigger.tenant_id, trigger.journey_name))
    if campaign is None:
        return Refusal(
            reasons.UNKNOWN_JOURNEY, "$.journey_name", explain(reasons.UNKNOWN_JOURNEY, trigger.journey_name)
        )
    return decide(trigger, campaign, snapshot, now, moments, unavailable)


def _database_time(cursor: psycopg.Cursor) -> dt.datetime:
    row = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]  # psycopg rows are Any


def _take_ledger(
    cursor: psycopg.Cursor,
    triggers: Sequence[Trigger],
    decisions: Sequence[list[Draft] | Refusal],
    trigger_ids: Sequence[str],
    created_at: dt.datetime,
) -> tuple[list[int], Plan]:
    """Which indices are new and accepted; refusals and duplicates are told in the plan."""
    answer = take_keys(
        cursor,
        [
            Entry(trigger.key.hex, trigger.tenant_id, trigger_id, trigger.payload_digest, isinstance(decision, Refusal))
            for trigger, trigger_id, decision in zip(triggers, trigger_ids, decisions, strict=True)
        ],
        created_at,
    )
    rejections = []
    taken = []
    for index in answer.new:
        decision = decisions[index]
        if isinstance(decision, Refusal):
            rejections.append(Rejection(index, decision.code, decision.path, decision.message))
        else:
            taken.append(index)
    rejections += [
        Rejection(index, reasons.DUPLICATE_OTHER_PAYLOAD, "$.correlation_id", explain(reasons.DUPLICATE_OTHER_PAYLOAD))
        for index in answer.other_payload
    ]
    plan = Plan(rejections=rejections, duplicates=answer.repeated, released=[], ahead=[], counts={})
    return taken, plan


class _Writer:
    """Turns accepted decisions into rows: one COPY per table, one statement for the facts."""

    def __init__(self, planner: Planner, snapshot: Snapshot, plan: Plan, created_at: dt.datetime) -> None:
        self.planner = planner
        self.snapshot = snapshot
        self.plan = plan
        self.now = created_at
        self.deadline = release_deadline(planner.lease_s)
        self.created_at = created_at.isoformat()
        self.dispatches: list[str] = []
        self.due: list[str] = []
        self.published: list[str] = []
        self.unfrozen: set[str] = set()
        self.ready: dict[tuple[LaneKey, str], list[Parcel]] = {}

    def write(self, cursor: psycopg.Cursor, accepted: list[tuple[Trigger, str, list[Draft] | Refusal]]) -> None:
        apply_caps(cursor, self._decided(accepted), self.now)
        drafts = sum(len(decision) for _, _, decision in accepted if not isinstance(decision, Refusal))
        identifiers = iter(mint_ids(self.now, drafts))
        for trigger, trigger_id, decision in accepted:
            assert not isinstance(decision, Refusal)
            campaign = self.snapshot.by_name[trigger.tenant_id, trigger.journey_name]
            if not campaign.control_frozen:
                self.unfrozen.add(campaign.id)
            origin = _origin(trigger, trigger_id)
            for draft in decision:
                self._add(next(identifiers), draft, campaign, origin)
        batch_lines = self._batches()
        copy_rows(cursor, "dispatches", rows.DISPATCHES, self.dispatches)
        copy_rows(cursor, "due_dispatches", rows.DUE, self.due)
        copy_rows(cursor, "send_batches", rows.BATCHES, batch_lines)
        publish(cursor, self.published)
        if self.unfrozen:
            cursor.execute(_FREEZE, [sorted(self.unfrozen)])
        self.plan.due = len(self.due)

    def _decided(
        self, accepted: list[tuple[Trigger, str, list[Draft] | Refusal]]
    ) -> Iterator[tuple[Trigger, CampaignPlan, list[Draft]]]:
        for trigger, _trigger_id, decision in accepted:
            if not isinstance(decision, Refusal):
                yield trigger, self.snapshot.by_name[trigger.tenant_id, trigger.journey_name], decision

    def _add(self, identifier: str, draft: Draft, campaign: CampaignPlan, origin: rows.Origin) -> None:
        self.dispatches.append(rows.dispatch_line(identifier, draft, campaign, origin, self.created_at))
        count = (draft.status.value, draft.plan.provider_id if draft.plan else "")
        self.plan.counts[count] = self.plan.counts.get(count, 0) + 1
        if draft.status in PUBLISHED:
            self.published.append(identifier)
            return
        assert draft.plan is not None and draft.not_after is not None
        lane = LaneKey(draft.plan.provider_id, int(rows.lane_class_of(campaign)))
        if draft.status is Status.PENDING and self.planner.lanes is not None:
            self.ready.setdefault((lane, campaign.id), []).append(rows.parcel_of(identifier, draft, campaign, origin))
        else:
            self.due.append(rows.due_line(identifier, lane, draft.due_at or self.now, draft.not_after))

    def _batches(self) -> list[str]:
        """Release what has slots, hold what has room, let the rest be due (decisions 11 and 15)."""
        lines: list[str] = []
        if self.planner.lanes is None:
            return lines
        room: dict[LaneKey, int] = {}
        for (key, campaign_id), parcels in self.ready.items():
            settings = self._settings(key)
            lane = self.planner.lanes.lane(key, settings)
            room.setdefault(key, self.planner.lanes.room_ahead(lane))
            # A campaign's own pace is asked for where batches are released.
            held = self.snapshot.by_id[campaign_id].per_minute is not None or any(
                batch.lane == key for batch in self.plan.ahead
            )
            for chunk in _chunks(parcels, lane.batch_size):
                batch = Batch(rows.new_batch_id(), key, campaign_id, chunk, time.monotonic())
                if not held and self.planner.lanes.reserve(lane, len(chunk)):
                    start_batch(batch, settings, self.deadline)
                    self.plan.released.append(batch)
                    lines.append(rows.batch_line(batch, self.planner.worker_id, self.created_at, released=True))
                elif room[key] >= len(chunk):
                    room[key] -= len(chunk)
                    held = True
                    self.plan.ahead.append(batch)
                    lines.append(rows.batch_line(batch, self.planner.worker_id, self.created_at, released=False))
                else:
                    self.due += [rows.due_line(parcel.id, key, self.now, parcel.not_after) for parcel in chunk]
        return lines

    def _settings(self, key: LaneKey) -> ProviderSettings:
        settings = self.snapshot.providers[key.provider_id].settings
        assert settings is not None
        return settings


def release_deadline(lease_s: float) -> float:
    """CLOCK_BOOTTIME seconds (they pass in suspend too) by which what is released now must be on the wire."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) + lease_s


def start_batch(batch: Batch, settings: ProviderSettings, deadline: float) -> None:
    """Stamp a released batch: none of its parcels has an outcome, and its deadline runs."""
    batch.settings = settings
    batch.left = len(batch.parcels)
    batch.deadline = deadline


def _origin(trigger: Trigger, trigger_id: str) -> rows.Origin:
    return rows.Origin(
        tenant_id=trigger.tenant_id,
        trigger_id=trigger_id,
        correlation_id=trigger.correlation_id,
        trace_id=trigger.trace_id,
        tax_id=(value_text(trigger.attributes.get("tax_identification")) or "").strip(),
        contact_data=trigger.attributes_json,
        triggered_at=trigger.triggered_at,
        received_at=trigger.received_at,
    )


def _chunks(parcels: list[Parcel], size: int) -> Iterable[list[Parcel]]:
    return (parcels[start : start + size] for start in range(0, len(parcels), size))
