"""What waits for a provider that is left alone: handed on to the campaign's next one, or ended when its time is over.

A closed lane claims nothing, so this is who looks at its due rows: a window of them each time, from where the last one
ended, however many wait there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec
import psycopg

from campaigns.snapshot import CampaignPlan
from dispatching import reasons
from dispatching.claiming import load_parcels
from dispatching.fallback import add_successors, those_with_a_taker
from dispatching.gates import explain
from dispatching.parcels import LaneKey, Parcel
from dispatching.rechecking import recheck_all
from dispatching.recording import record_moves
from dispatching.releasing import postpone
from dispatching.results import Move, give_up
from dispatching.snapshot import Snapshot
from dispatching.statuses import Status

WINDOW = 500

_WINDOW = """
SELECT dispatch_id::text, due_at, not_after FROM due_dispatches
WHERE provider_id = %s AND lane_class = %s AND due_at <= statement_timestamp()
  AND (due_at, dispatch_id) > (%s::timestamptz, %s::uuid)
ORDER BY due_at, dispatch_id LIMIT %s
"""
_TAKE = """
DELETE FROM due_dispatches WHERE dispatch_id = ANY(ARRAY(
  SELECT dispatch_id FROM due_dispatches WHERE dispatch_id = ANY(%s::uuid[]) ORDER BY dispatch_id
  FOR UPDATE SKIP LOCKED))
RETURNING dispatch_id::text, not_after
"""


class Place(msgspec.Struct, frozen=True):
    """Where a look at a lane's due rows ended."""

    due_at: str = "-infinity"
    dispatch_id: str = "00000000-0000-0000-0000-000000000000"


BEGINNING = Place()


class HandedOn(msgspec.Struct):
    """What became of a window of rows, and where the next one begins."""

    moves: list[Move]
    taken: int
    place: Place


def hand_on(
    cursor: psycopg.Cursor,
    lane: LaneKey,
    snapshot: Snapshot,
    unavailable: frozenset[str],
    now: dt.datetime,
    place: Place = BEGINNING,
) -> HandedOn:
    """Look at the next window of a closed lane's due rows, in the caller's transaction."""
    found = cursor.execute(
        _WINDOW, [lane.provider_id, lane.lane_class, place.due_at, place.dispatch_id, WINDOW]
    ).fetchall()
    after = Place(found[-1][1].isoformat(), found[-1][0]) if len(found) == WINDOW else BEGINNING
    late = {row[0] for row in found if row[2] < now}
    rest = {row[0]: (row[2], False) for row in found if row[0] not in late}
    others = _campaigns_with_another(snapshot, lane.provider_id, unavailable)
    waiting = (
        [parcel for parcel in load_parcels(cursor, rest) if parcel.campaign_id in others] if others and rest else []
    )
    leaving = late | those_with_a_taker(cursor, snapshot, waiting, unavailable)
    if not leaving:
        return HandedOn([], 0, after)
    taken = {row[0]: (row[1], False) for row in cursor.execute(_TAKE, [sorted(leaving)]).fetchall()}
    if not taken:
        return HandedOn([], 0, after)
    parcels = load_parcels(cursor, taken)
    verdicts = recheck_all(parcels, lane, snapshot, now)
    postpone(cursor, verdicts.postponed)
    moves = [*verdicts.ended, *(_passed_over(parcel, lane) for parcel in verdicts.going)]
    moved = record_moves(cursor, moves, now)
    add_successors(cursor, snapshot, [move for move in moves if move.parcel.id in moved], now, unavailable)
    return HandedOn(moves, len(taken), after)


def fail_where_another_takes_over(
    cursor: psycopg.Cursor, snapshot: Snapshot, moves: Iterable[Move], unavailable: frozenset[str]
) -> None:
    """What a vendor did not take for its configuration's sake waits; or it fails, where the next provider is there."""
    paused = {move.parcel.id: move for move in moves if move.is_paused}
    takers = those_with_a_taker(cursor, snapshot, [move.parcel for move in paused.values()], unavailable)
    for identifier in takers:
        give_up(paused[identifier])


def _campaigns_with_another(snapshot: Snapshot, provider_id: str, unavailable: frozenset[str]) -> set[str]:
    """Ids of campaigns that send by this provider or by another one, which is available."""
    return {campaign.id for campaign in snapshot.by_id.values() if _has_another(campaign, provider_id, unavailable)}


def _has_another(campaign: CampaignPlan, provider_id: str, unavailable: frozenset[str]) -> bool:
    ids: Sequence[str] = [plan.provider_id for plan in campaign.providers]
    return (
        campaign.is_active
        and campaign.goes_on
        and provider_id in ids
        and any(one != provider_id and one not in unavailable for one in ids)
    )


def _passed_over(parcel: Parcel, lane: LaneKey) -> Move:
    return Move(
        parcel=parcel,
        lane_provider=lane.provider_id,
        lane_class=lane.lane_class,
        status=Status.REFUSED,
        reason=reasons.PROVIDER_UNAVAILABLE,
        error=explain(reasons.PROVIDER_UNAVAILABLE),
    )
