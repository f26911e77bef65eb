"""Frequency caps: which period a moment belongs to, and which counter counts a person in it. Pure."""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b

import msgspec


class Cap(msgspec.Struct, frozen=True, gc=False):
    """One rule of a tenant. `channel` is "" where all channels count together; `period` is day, week or month."""

    id: str
    channel: str
    limit: int
    period: str

    def counts(self, channel: str) -> bool:
        return self.channel in ("", channel)


def window_of(period: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """First day of the period that `day` lies in, and the first day after it."""
    if period == "day":
        return day, day + dt.timedelta(days=1)
    if period == "week":
        monday = day - dt.timedelta(days=day.weekday())
        return monday, monday + dt.timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + dt.timedelta(days=32)).replace(day=1)


def counter_key(cap: Cap, first_day: dt.date, person: str) -> str:
    """32 hexadecimal digits: what one person has had of one cap in one period is counted there."""
    text = f"{cap.id}\0{first_day.isoformat()}\0{person}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
