"""When a scheduled message goes out (seed 000 §9, architecture decision 10). Pure: `now` and the zone are passed in.

Local times that a clock change skips become the first moment after the gap; those that come twice are taken the first
time. The latest moment of a day is 21:00 local, or the day's end for campaigns that start at 21:00 or later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

NOT_STARTED: Literal["NOT_STARTED"] = "NOT_STARTED"
ENDED: Literal["ENDED"] = "ENDED"

LATEST = dt.time(21)
SYNC_LIFE = dt.timedelta(hours=24)
# One week, and another for a day that a zone skipped whole (Apia lost 30 December 2011).
_DAYS_TRIED = 15
_LAST_YEAR = 9998


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When to send. `utc` and `not_after` are aware UTC; `local` reads 2026-11-20T14:00:00-03:00[America/Sao_Paulo]."""

    utc: dt.datetime
    local: str
    not_after: dt.datetime


class Expired(msgspec.Struct, frozen=True, gc=False):
    """No allowed moment is left."""

    reason: Literal["ENDED"] = ENDED


def campaign_open(
    now: dt.datetime, start_date: dt.date | None, end_date: dt.date | None, zone: ZoneInfo
) -> Literal["NOT_STARTED", "ENDED"] | None:
    """None while the campaign runs, both dates included, by the campaign's local date."""
    today = now.astimezone(zone).date()
    if start_date is not None and today < start_date:
        return NOT_STARTED
    if end_date is not None and today > end_date:
        return ENDED
    return None


def sync_not_after(now: dt.datetime) -> dt.datetime:
    return now.astimezone(dt.UTC) + SYNC_LIFE


def next_moment(
    now: dt.datetime,
    trigger_time: dt.time,
    week_days: Collection[int],
    zone: ZoneInfo,
    start_date: dt.date | None = None,
    end_date: dt.date | None = None,
) -> Moment | Expired:
    """Today at `trigger_time` if the weekday is allowed and the time is still ahead, else the next allowed day.

    Days before `start_date` are passed over; Expired where none is left until `end_date`. ValueError without days.
    """
    for day in _allowed_days(now, week_days, zone, start_date, end_date):
        moment = _moment_on(day, trigger_time, zone)
        if moment is not None and moment.utc > now:
            return moment
    return Expired()


def next_allowed(
    now: dt.datetime,
    trigger_time: dt.time,
    week_days: Collection[int],
    zone: ZoneInfo,
    start_date: dt.date | None = None,
    end_date: dt.date | None = None,
) -> Moment | Expired:
    """Where a late row goes: now, if an allowed day is between `trigger_time` and its latest moment, else on."""
    for day in _allowed_days(now, week_days, zone, start_date, end_date):
        moment = _moment_on(day, trigger_time, zone)
        if moment is None or moment.not_after <= now:
            continue
        if moment.utc > now:
            return moment
        return Moment(utc=now.astimezone(dt.UTC), local=local_text(now, zone), not_after=moment.not_after)
    return Expired()


def local_text(moment: dt.datetime, zone: ZoneInfo) -> str:
    """Local time, offset and zone in one text (RFC 9557)."""
    return f"{moment.astimezone(zone).isoformat(timespec='seconds')}[{zone.key}]"


def _allowed_days(
    now: dt.datetime, week_days: Collection[int], zone: ZoneInfo, start_date: dt.date | None, end_date: dt.date | None
) -> Iterator[dt.date]:
    if not week_days:
        raise ValueError("a calendar needs at least one day of the week")
    first = now.astimezone(zone).date()
    if start_date is not None:
        first = max(first, start_date)
    for offset in range(_DAYS_TRIED):
        # A start date at the end of the calendar is no reason to fail a batch.
        if first.year > _LAST_YEAR:
            return
        day = first + dt.timedelta(days=offset)
        if end_date is not None and day > end_date:
            return
        if day.isoweekday() in week_days:
            yield day


def _moment_on(day: dt.date, trigger_time: dt.time, zone: ZoneInfo) -> Moment | None:
    """None where a clock change moved the time out of its day: 23:30 must not become half past midnight."""
    utc = _instant(day, trigger_time, zone)
    local = utc.astimezone(zone)
    if local.date() != day:
        return None
    if local.time() < LATEST:
        not_after = _instant(day, LATEST, zone)
    else:
        not_after = _instant(day + dt.timedelta(days=1), dt.time(0), zone)
    return Moment(utc=utc, local=local_text(utc, zone), not_after=not_after)


def _instant(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    """UTC of a local time; of the first of two; of the first moment after the gap where there is none."""
    wall = dt.datetime.combine(day, time, tzinfo=zone)
    utc = wall.astimezone(dt.UTC)
    if utc.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return utc
    return _end_of_gap(wall.replace(fold=1).astimezone(dt.UTC), utc, zone)


def _end_of_gap(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The clock change between two instants, to the second: the zone keeps no list of them that one could ask."""
    old = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if dt.datetime.fromtimestamp(middle, zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return dt.datetime.fromtimestamp(high, dt.UTC)
