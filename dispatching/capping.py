"""The frequency cap: the last gate before the pace (decision 8). Set-wise, in the planning transaction.

A place is taken when a message is planned, in the period it is due in, and it is kept however the message ends: who
counts has counted. A message that the calendar later moves to another day keeps its place. Counter rows are made at 0
first, since a limit in ON CONFLICT would not guard the first insert (decision 15).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

import msgspec
import psycopg

from campaigns.capping import Cap, counter_key, window_of
from campaigns.snapshot import CampaignPlan
from dispatching import reasons
from dispatching.gates import Draft, explain, person_key_of
from dispatching.statuses import WAITING, Status
from dispatching.triggers import Trigger

_MAKE = """
INSERT INTO cap_counters (key, used, expires_on)
SELECT w.key, 0, w.expires_on FROM unnest(%(keys)s::uuid[], %(expires)s::date[]) AS w (key, expires_on) ORDER BY w.key
ON CONFLICT DO NOTHING
"""
# In the order of the keys, so that two batches never hold each other up in a circle.
_LOCK = "SELECT FROM cap_counters WHERE key = ANY (%(keys)s::uuid[]) ORDER BY key FOR UPDATE"
# A limit that was lowered below what is used takes nothing back.
_TAKE = """
UPDATE cap_counters c SET used = GREATEST(c.used, LEAST(w.lim, c.used + w.n))
FROM unnest(%(keys)s::uuid[], %(wanted)s::int[], %(limits)s::int[]) AS w (key, n, lim) WHERE c.key = w.key
RETURNING replace(c.key::text, '-', ''), new.used - old.used
"""
_GIVE_BACK = """
UPDATE cap_counters c SET used = c.used - w.n FROM unnest(%(keys)s::uuid[], %(left)s::int[]) AS w (key, n)
WHERE c.key = w.key
"""


class _Want(msgspec.Struct, frozen=True, gc=False):
    """A draft and the counters that all have to let it through."""

    draft: Draft
    places: tuple[tuple[str, Cap], ...]


class _Counters(msgspec.Struct):
    wanted: Counter[str]
    limits: dict[str, int]
    expires: dict[str, dt.date]


def apply_caps(
    cursor: psycopg.Cursor,
    decided: Iterable[tuple[Trigger, CampaignPlan, list[Draft]]],
    now: dt.datetime,
) -> int:
    """Refuse what is over a cap, in place. How many were refused. Without caps no statement is made."""
    counters = _Counters(Counter(), {}, {})
    wants = [
        _Want(draft, _places(trigger, campaign, draft, now, counters))
        for trigger, campaign, drafts in decided
        if campaign.caps
        for draft in drafts
        if draft.status in WAITING and any(cap.counts(draft.channel) for cap in campaign.caps)
    ]
    if not wants:
        return 0
    granted = _take(cursor, counters)
    refused = sum(not _let_through(want, granted) for want in wants)
    left = {key: n for key, n in granted.items() if n}
    if left:
        cursor.execute(_GIVE_BACK, {"keys": list(left), "left": list(left.values())})
    return refused


def _places(
    trigger: Trigger, campaign: CampaignPlan, draft: Draft, now: dt.datetime, counters: _Counters
) -> tuple[tuple[str, Cap], ...]:
    # Who has no key of a person is counted by where the message goes.
    person = person_key_of(trigger.attributes, campaign) or f"{draft.channel} {draft.destination}"
    day = (draft.due_at or now).astimezone(campaign.zone).date()
    places = []
    for cap in campaign.caps:
        if cap.counts(draft.channel):
            first_day, expires = window_of(cap.period, day)
            key = counter_key(cap, first_day, person)
            counters.wanted[key] += 1
            counters.limits[key] = cap.limit
            counters.expires[key] = expires
            places.append((key, cap))
    return tuple(places)


def _take(cursor: psycopg.Cursor, counters: _Counters) -> dict[str, int]:
    """Counter → places granted of those wanted."""
    keys = sorted(counters.wanted)
    parameters = {
        "keys": keys,
        "expires": [counters.expires[key] for key in keys],
        "wanted": [counters.wanted[key] for key in keys],
        "limits": [counters.limits[key] for key in keys],
    }
    cursor.execute(_MAKE, parameters)
    cursor.execute(_LOCK, parameters)
    return dict(cursor.execute(_TAKE, parameters).fetchall())


def _let_through(want: _Want, granted: dict[str, int]) -> bool:
    """Takes its places out of what was granted, all or none; without them the draft is refused."""
    full = next((cap for key, cap in want.places if granted.get(key, 0) < 1), None)
    if full is None:
        for key, _cap in want.places:
            granted[key] -= 1
        return True
    draft = want.draft
    draft.status, draft.reason = Status.REFUSED, reasons.FREQUENCY_CAP
    draft.error = explain(reasons.FREQUENCY_CAP, f"{full.channel or '*'} {full.limit}/{full.period}")
    draft.due_at = draft.not_after = None
    draft.local = ""
    return False
