"""The day as bars, for the theme's Chart.js."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from dispatching.statuses import Status
from prism.home.numbers import Count

# What a change of state ends in, in the order of the bars. DELIVERED and READ follow a SENT and would count it twice.
BARS: tuple[tuple[Status, str], ...] = (
    (Status.SENT, "--desk-sent"),
    (Status.CONTROL_GROUP, "--desk-control"),
    (Status.REFUSED, "--desk-refused"),
    (Status.EXPIRED, "--desk-expired"),
    (Status.CANCELLED, "--desk-cancelled"),
    (Status.UNKNOWN, "--desk-unknown"),
    (Status.FAILED, "--desk-failed"),
)


def chart(counts: Iterable[Count], midnight: dt.datetime) -> dict[str, object]:
    """Chart.js data: one bar per local hour of the day, stacked by status. A status that never happened is left out."""
    hours = [midnight + dt.timedelta(hours=hour) for hour in range(24)]
    found: Counter[tuple[str, dt.datetime]] = Counter()
    for count in counts:
        found[count.status, _within(count.hour, midnight)] += count.n
    series = [
        {
            "label": str(status.label),
            "data": [found[status, hour] for hour in hours],
            "backgroundColor": f"var({colour})",
            "stack": "all",
        }
        for status, colour in BARS
    ]
    drawn = [one for one in series if any(one["data"])]
    return {"labels": [f"{hour:%H}h" for hour in hours], "datasets": drawn or series[:1]}


def _within(hour: dt.datetime, midnight: dt.datetime) -> dt.datetime:
    """Hours are kept in UTC; where a zone is off by half an hour, the local hour that holds its beginning."""
    return midnight + dt.timedelta(hours=(hour - midnight) // dt.timedelta(hours=1))
