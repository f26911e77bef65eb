"""What the home page says of given numbers."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dispatching.statuses import PUBLISHED, Status
from prism.home.building import build
from prism.home.charts import BARS, chart
from prism.home.numbers import Count, Failure, Lag, Numbers, Operation, success_rate
from prism.home.rows import SHOWN
from prism.home.steps import steps

ZONE = ZoneInfo("America/Sao_Paulo")
NOW = dt.datetime(2026, 3, 10, 14, 20, tzinfo=ZONE)
MIDNIGHT = NOW.replace(hour=0, minute=0)
CAMPAIGN, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
PROVIDER, SECOND = uuid.UUID(int=11), uuid.UUID(int=12)
CALM = Operation(
    due=0,
    waiting=0,
    oldest_due_at=None,
    outbox=0,
    outbox_oldest_at=None,
    overdue=0,
    workers={"sender": 2},
    partitions=4,
    stopped=0,
    lag=Lag(0, NOW),
    deep=10_000,
    counted=1_000,
)


def count(status: Status, n: int, *, hour: int = 13, **fields: Any) -> Count:
    at = MIDNIGHT.replace(hour=hour).astimezone(dt.UTC)
    return Count(at, status, fields.get("campaign", CAMPAIGN), fields.get("provider", PROVIDER), n)


def numbers(*counts: Count, **fields: Any) -> Numbers:
    given: dict[str, Any] = {
        "now": NOW,
        "midnight": MIDNIGHT,
        "recent_since": NOW.replace(hour=13, minute=0),
        "counts": counts,
        "failures": (),
        "campaigns": {CAMPAIGN: "black_friday", OTHER: "boas_vindas"},
        "providers": {PROVIDER: "WhatsApp", SECOND: "E-mail"},
        "unknown": 0,
        "rejected": 0,
    }
    return Numbers(**{**given, **fields})


def tile(kind: str, given: Numbers) -> Any:
    home = build(given)
    return next(one for one in (*home.tiles, *home.operation) if one.kind == kind)


def test_success_is_sent_of_sent_and_failed() -> None:
    assert success_rate(98, 2) == 98.0
    assert success_rate(0, 0) is None
    sent = tile("sent", numbers(count(Status.SENT, 98), count(Status.FAILED, 2), count(Status.REFUSED, 50)))
    assert (sent.value, sent.facts[0][1], sent.tone) == (98, 98.0, "good")


def test_yesterdays_last_hour_is_recent_but_not_today() -> None:
    early = NOW.replace(hour=0, minute=10)
    before = Count((MIDNIGHT - dt.timedelta(hours=1)).astimezone(dt.UTC), "FAILED", CAMPAIGN, PROVIDER, 5)
    home = build(numbers(before, now=early, recent_since=MIDNIGHT - dt.timedelta(hours=1)))
    assert not home.any_today
    assert [row.failed for row in home.providers] == [5]
    assert tile("failed", numbers(before)).value == 0


def test_the_bars_are_the_hours_of_the_local_day() -> None:
    drawn: Any = chart([count(Status.SENT, 3, hour=0), count(Status.SENT, 4, hour=23), count(Status.SENT, 5)], MIDNIGHT)
    (series,) = drawn["datasets"]
    assert drawn["labels"][0] == "00h"
    assert (series["data"][0], series["data"][13], series["data"][23]) == (3, 5, 4)
    assert len(drawn["labels"]) == len(series["data"]) == 24


def test_a_zone_off_by_half_an_hour_loses_nothing() -> None:
    midnight = dt.datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Kolkata"))
    hours = [midnight.astimezone(dt.UTC).replace(minute=0) + dt.timedelta(hours=hour) for hour in range(1, 24)]
    drawn: Any = chart([Count(hour, "SENT", None, None, 1) for hour in hours], midnight)
    assert sum(drawn["datasets"][0]["data"]) == 23


def test_a_day_without_anything_still_has_axes() -> None:
    drawn: Any = chart([], MIDNIGHT)
    assert drawn["datasets"][0]["data"] == [0] * 24


def test_every_published_status_is_in_the_bars_or_follows_one_that_is() -> None:
    assert PUBLISHED - {status for status, _colour in BARS} == {Status.DELIVERED, Status.READ}


def test_what_is_delivered_is_not_counted_twice_in_the_bars() -> None:
    drawn: Any = chart([count(Status.SENT, 5), count(Status.DELIVERED, 5), count(Status.READ, 2)], MIDNIGHT)
    assert sum(sum(series["data"]) for series in drawn["datasets"]) == 5


def test_campaigns_are_ranked_with_success_and_control_share() -> None:
    home = build(
        numbers(
            count(Status.SENT, 10),
            count(Status.SENT, 80, campaign=OTHER),
            count(Status.FAILED, 20, campaign=OTHER),
            count(Status.CONTROL_GROUP, 25, campaign=OTHER, provider=None),
            count(Status.SENT, 7, campaign=None),
        )
    )
    assert [(row.name, row.sent, row.success, row.control) for row in home.campaigns] == [
        ("boas_vindas", 80, 80.0, 20.0),
        ("black_friday", 10, 100.0, 0.0),
    ]


def test_a_table_shows_the_first_rows_only() -> None:
    ids = [uuid.UUID(int=100 + n) for n in range(SHOWN + 5)]
    given = numbers(
        *(count(Status.SENT, n + 1, campaign=one) for n, one in enumerate(ids)),
        campaigns={one: f"c{one}" for one in ids},
    )
    assert [row.sent for row in build(given).campaigns] == list(range(SHOWN + 5, 5, -1))


def test_a_failing_provider_has_its_share_and_its_commonest_reason() -> None:
    home = build(
        numbers(
            count(Status.SENT, 90),
            count(Status.FAILED, 10),
            count(Status.FAILED, 3, provider=SECOND),
            count(Status.SENT, 1000, hour=9, provider=SECOND),
            failures=(
                Failure(PROVIDER, "TIMEOUT", 3),
                Failure(PROVIDER, "REJECTED", 6),
                Failure(uuid.UUID(int=99), "X", 9),
            ),
        )
    )
    assert [(row.name, row.failed, row.share, row.reason) for row in home.providers] == [
        ("E-mail", 3, 100.0, ""),
        ("WhatsApp", 10, 10.0, "REJECTED"),
    ]


def test_who_does_not_operate_has_no_operation() -> None:
    assert build(numbers()).operation == ()
    assert len(build(numbers(operation=CALM)).operation) == 4


@pytest.mark.parametrize(
    ("kind", "changes", "tone"),
    [
        ("due", {}, ""),
        ("due", {"due": 5, "oldest_due_at": NOW - dt.timedelta(minutes=1)}, ""),
        ("due", {"due": 5, "oldest_due_at": NOW - dt.timedelta(minutes=6)}, "warn"),
        ("outbox", {"outbox": 2, "outbox_oldest_at": NOW - dt.timedelta(seconds=5)}, ""),
        ("outbox", {"outbox": 2, "outbox_oldest_at": NOW - dt.timedelta(minutes=2)}, "warn"),
        ("lag", {"lag": Lag(5000, NOW)}, ""),
        ("lag", {"stopped": 1}, "bad"),
        ("workers", {}, ""),
        ("workers", {"workers": {}}, "bad"),
    ],
)
def test_what_worries_is_coloured(kind: str, changes: dict[str, Any], tone: str) -> None:
    assert tile(kind, numbers(operation=msgspec.structs.replace(CALM, **changes))).tone == tone


def test_overdue_deliveries_have_a_tile_only_where_there_are_any() -> None:
    for nobodys in (None, CALM):
        assert "overdue" not in [one.kind for one in build(numbers(operation=nobodys)).tiles]
    overdue = tile("overdue", numbers(operation=msgspec.structs.replace(CALM, overdue=7)))
    assert (overdue.value, overdue.tone, overdue.deep) == (7, "warn", False)


def test_a_count_that_stopped_counting_is_told_as_such() -> None:
    deep = msgspec.structs.replace(CALM, due=12_000, outbox=10_000, overdue=1_000)
    assert tile("overdue", numbers(operation=deep)).deep
    assert tile("due", numbers(operation=deep)).deep
    assert tile("outbox", numbers(operation=deep)).deep
    assert not tile("workers", numbers(operation=deep)).deep


def test_kafka_that_does_not_answer_is_no_zero() -> None:
    assert tile("lag", numbers(operation=msgspec.structs.replace(CALM, lag=None))).value is None


def test_first_steps_tick_themselves_off() -> None:
    assert [step.done for step in steps(provider=True, template=False, campaign=True, dispatch=False)] == [
        True,
        False,
        True,
        False,
    ]
