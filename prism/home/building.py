"""What the home page says, from numbers that were read: pure, so that every sentence of it can be tried."""

from __future__ import annotations

import datetime as dt

import msgspec

from prism.home.charts import chart
from prism.home.numbers import Numbers, Trouble, by_status
from prism.home.rows import CampaignRow, ProviderRow, campaign_rows, provider_rows
from prism.home.tiles import Tile, operation_tiles, tiles_of


class Home(msgspec.Struct, frozen=True):
    now: dt.datetime
    recent_since: dt.datetime
    tiles: tuple[Tile, ...]
    operation: tuple[Tile, ...]
    chart: dict[str, object]
    campaigns: tuple[CampaignRow, ...]
    providers: tuple[ProviderRow, ...]
    troubles: tuple[Trouble, ...]
    any_today: bool


def build(numbers: Numbers) -> Home:
    """The page of somebody; without `operation` it is the page of somebody who does not operate."""
    today = [count for count in numbers.counts if count.hour >= numbers.midnight]
    return Home(
        now=numbers.now,
        recent_since=numbers.recent_since,
        tiles=tiles_of(by_status(today), numbers),
        operation=operation_tiles(numbers.operation, numbers.now) if numbers.operation else (),
        chart=chart(today, numbers.midnight),
        campaigns=campaign_rows(today, numbers.campaigns),
        providers=provider_rows(numbers),
        troubles=numbers.troubles,
        any_today=bool(today),
    )
