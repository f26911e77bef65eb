"""What may not leave now though nothing is wrong with it: a campaign's pace, and the time between two messages to one
address. Asked where batches are released or claimed; without either no statement is made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec
import psycopg

from dispatching import rows
from dispatching.copying import copy_rows
from dispatching.pacing import take_places
from dispatching.parcels import LaneKey, Parcel
from dispatching.snapshot import Snapshot
from dispatching.spacing import take_turns
from providers.settings import ProviderSettings
from providers.transports import phones
from providers.transports.addresses import PHONE

BUSY_S = 0.2
"""Until the next try where another process is sharing out a campaign's pace at this very moment."""


class Delayed(msgspec.Struct, frozen=True):
    """It waits in the queue until its moment. `has_place`: in its campaign's pace."""

    parcel: Parcel
    lane: LaneKey
    due_at: dt.datetime
    has_place: bool = False


def hold_back(
    cursor: psycopg.Cursor,
    parcels: list[Parcel],
    lane: LaneKey,
    snapshot: Snapshot,
    settings: ProviderSettings | None,
) -> tuple[list[Parcel], list[Delayed]]:
    """What goes now, and what later, in the caller's transaction."""
    delayed: list[Delayed] = []
    for campaign_id, per_minute in _paced(parcels, snapshot):
        parcels = _keep_pace(cursor, parcels, lane, campaign_id, per_minute, delayed)
    if parcels and settings is not None and settings.spacing_s:
        parcels = _keep_apart(cursor, parcels, lane, settings, delayed)
    return parcels, delayed


def delay(cursor: psycopg.Cursor, delayed: Sequence[Delayed]) -> None:
    """Into the queue; never so late that nobody would notice the end of their time."""
    copy_rows(
        cursor,
        "due_dispatches",
        rows.DUE + ", paced",
        [
            rows.due_line(
                item.parcel.id,
                item.lane,
                min(item.due_at, item.parcel.not_after + dt.timedelta(seconds=1)),
                item.parcel.not_after,
            )
            + ("\tt" if item.has_place else "\tf")
            for item in delayed
        ],
    )


def _paced(parcels: Sequence[Parcel], snapshot: Snapshot) -> list[tuple[str, int]]:
    """Campaigns with a pace of their own among these, in the order in which their rows are taken."""
    found = {}
    for parcel in parcels:
        campaign = snapshot.by_id.get(parcel.campaign_id) if parcel.campaign_id else None
        if campaign is not None and campaign.per_minute:
            found[campaign.id] = campaign.per_minute
    return sorted(found.items())


def _keep_pace(
    cursor: psycopg.Cursor,
    parcels: list[Parcel],
    lane: LaneKey,
    campaign_id: str,
    per_minute: int,
    delayed: list[Delayed],
) -> list[Parcel]:
    own = [parcel for parcel in parcels if parcel.campaign_id == campaign_id]
    places = take_places(cursor, campaign_id, per_minute, [parcel.has_place for parcel in own])
    if places is None:
        soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=BUSY_S)
        delayed += [Delayed(parcel, lane, soon, has_place=parcel.has_place) for parcel in own]
        return [parcel for parcel in parcels if parcel.campaign_id != campaign_id]
    later = {parcel.id: place for parcel, place in zip(own, places, strict=True) if place is not None}
    delayed += [Delayed(parcel, lane, later[parcel.id], has_place=True) for parcel in own if parcel.id in later]
    return [parcel for parcel in parcels if parcel.id not in later]


def _keep_apart(
    cursor: psycopg.Cursor, parcels: list[Parcel], lane: LaneKey, settings: ProviderSettings, delayed: list[Delayed]
) -> list[Parcel]:
    addresses = [_in_one_form(parcel.message.to, settings) for parcel in parcels]
    moments = take_turns(cursor, lane.provider_id, addresses, settings.spacing_s)
    pairs = list(zip(parcels, moments, strict=True))
    # Who had a place in the campaign's pace has had its turn there and keeps its right to the next one.
    delayed += [Delayed(parcel, lane, moment, has_place=True) for parcel, moment in pairs if moment is not None]
    return [parcel for parcel, moment in pairs if moment is None]


def _in_one_form(address: str, settings: ProviderSettings) -> str:
    """One phone is one phone, with its country or without."""
    return phones.digits_of(address) or address if settings.address_attribute == PHONE else address
