from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.calendar import Expired, Moment, campaign_open, next_allowed, next_moment, sync_not_after

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
WEEKDAYS = frozenset({1, 2, 3, 4, 5})
EVERY_DAY = frozenset(range(1, 8))
TWO = dt.time(14)

ZONES = sorted(zoneinfo.available_timezones())


def local(text: str, zone: ZoneInfo = SAO_PAULO) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


def moment(now: dt.datetime, **changes: Any) -> Moment:
    found = next_moment(now, **{"trigger_time": TWO, "week_days": WEEKDAYS, "zone": SAO_PAULO, **changes})
    assert isinstance(found, Moment)
    return found


def wall(found: Moment, zone: ZoneInfo = SAO_PAULO) -> str:
    return found.utc.astimezone(zone).isoformat(timespec="minutes")


# The seed's own examples: Tuesday is allowed, Saturday goes to Monday.
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-17T10:00", "2026-11-17T14:00-03:00"),
        ("2026-11-17T13:59:59.999999", "2026-11-17T14:00-03:00"),
        ("2026-11-17T14:00", "2026-11-18T14:00-03:00"),
        ("2026-11-17T15:00", "2026-11-18T14:00-03:00"),
        ("2026-11-20T15:00", "2026-11-23T14:00-03:00"),
        ("2026-11-21T10:00", "2026-11-23T14:00-03:00"),
        ("2026-11-22T23:59", "2026-11-23T14:00-03:00"),
    ],
)
def test_today_if_still_ahead_else_the_next_allowed_day(now: str, expected: str) -> None:
    assert wall(moment(local(now))) == expected


def test_the_weekday_is_the_zones_not_utcs() -> None:
    # Sunday 22:30 in São Paulo is Monday in UTC.
    assert wall(moment(local("2026-11-22T22:30"), trigger_time=dt.time(23))) == "2026-11-23T23:00-03:00"


def test_one_allowed_day_whose_time_has_passed_is_a_week_later() -> None:
    assert wall(moment(local("2026-11-20T14:30"), week_days={5})) == "2026-11-27T14:00-03:00"


def test_the_local_text_names_offset_and_zone() -> None:
    assert moment(local("2026-11-17T10:00")).local == "2026-11-17T14:00:00-03:00[America/Sao_Paulo]"


def test_the_latest_moment_is_nine_in_the_evening() -> None:
    assert moment(local("2026-11-17T10:00")).not_after == local("2026-11-17T21:00")


@pytest.mark.parametrize("late", [dt.time(21), dt.time(23, 59)])
def test_a_late_campaign_has_until_midnight(late: dt.time) -> None:
    assert moment(local("2026-11-17T10:00"), trigger_time=late).not_after == local("2026-11-18T00:00")


def test_a_start_date_ahead_is_waited_for() -> None:
    found = moment(local("2026-11-17T10:00"), start_date=dt.date(2026, 11, 28))
    assert wall(found) == "2026-11-30T14:00-03:00"


def test_the_end_date_is_included_and_nothing_after_it() -> None:
    arguments: dict[str, Any] = {"trigger_time": TWO, "week_days": WEEKDAYS, "zone": SAO_PAULO}
    friday = dt.date(2026, 11, 20)
    assert wall(moment(local("2026-11-20T13:00"), end_date=friday)) == "2026-11-20T14:00-03:00"
    assert next_moment(local("2026-11-20T14:00"), end_date=friday, **arguments) == Expired("ENDED")
    assert next_moment(local("2026-12-20T10:00"), end_date=friday, **arguments) == Expired("ENDED")


def test_dates_at_the_end_of_the_calendar_fail_nobody() -> None:
    found = next_moment(
        local("2026-11-17T10:00"), trigger_time=TWO, week_days=WEEKDAYS, zone=SAO_PAULO, start_date=dt.date.max
    )
    assert found == Expired("ENDED")
    assert (
        wall(moment(local("2026-11-17T10:00"), start_date=dt.date.min, end_date=dt.date.max))
        == "2026-11-17T14:00-03:00"
    )


def test_a_calendar_without_days_is_an_error() -> None:
    with pytest.raises(ValueError, match="day of the week"):
        next_moment(local("2026-11-17T10:00"), trigger_time=TWO, week_days=(), zone=SAO_PAULO)


@pytest.mark.parametrize(
    ("zone", "now", "time", "expected"),
    [
        # Gaps: 00:00 → 01:00, 02:00 → 03:00, and half an hour at Lord Howe.
        ("America/Sao_Paulo", "2018-11-03T23:00", "00:00", "2018-11-04T01:00:00-02:00"),
        ("America/Sao_Paulo", "2018-11-03T23:00", "00:40", "2018-11-04T01:00:00-02:00"),
        ("America/New_York", "2026-03-08T00:00", "02:30", "2026-03-08T03:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04T00:00", "02:15", "2026-10-04T02:30:00+11:00"),
        # Folds: the first of the two.
        ("America/New_York", "2026-11-01T00:00", "01:30", "2026-11-01T01:30:00-04:00"),
        ("America/Sao_Paulo", "2018-02-17T22:00", "23:30", "2018-02-17T23:30:00-02:00"),
        # Apia had no 30 December 2011.
        ("Pacific/Apia", "2011-12-29T15:00", "14:00", "2011-12-31T14:00:00+14:00"),
        # Nuuk goes from 23:00 to midnight: the hour before midnight of another day is not tonight's midnight.
        ("America/Nuuk", "2025-03-29T12:00", "23:30", "2025-03-30T23:30:00-01:00"),
    ],
)
def test_clock_changes(zone: str, now: str, time: str, expected: str) -> None:
    place = ZoneInfo(zone)
    found = moment(local(now, place), trigger_time=dt.time.fromisoformat(time), week_days=EVERY_DAY, zone=place)
    assert found.utc.astimezone(place).isoformat() == expected


def test_the_second_of_two_equal_hours_does_not_send_again() -> None:
    place = ZoneInfo("America/New_York")
    second = local("2026-11-01T01:10", place).replace(fold=1)
    found = moment(second, trigger_time=dt.time(1, 30), week_days=EVERY_DAY, zone=place)
    assert found.utc.astimezone(place).isoformat() == "2026-11-02T01:30:00-05:00"


def test_a_late_row_goes_now_while_its_window_is_open_and_else_on_the_next_allowed_day() -> None:
    arguments: dict[str, Any] = {"trigger_time": TWO, "week_days": WEEKDAYS, "zone": SAO_PAULO}
    inside = next_allowed(local("2026-11-17T15:00"), **arguments)
    assert isinstance(inside, Moment)
    assert (inside.utc, inside.not_after) == (local("2026-11-17T15:00"), local("2026-11-17T21:00"))
    assert inside.local == "2026-11-17T15:00:00-03:00[America/Sao_Paulo]"
    three_at_night = next_allowed(local("2026-11-18T03:00"), **arguments)
    assert isinstance(three_at_night, Moment)
    assert wall(three_at_night) == "2026-11-18T14:00-03:00"
    friday_night = next_allowed(local("2026-11-20T21:00"), **arguments)
    assert isinstance(friday_night, Moment)
    assert wall(friday_night) == "2026-11-23T14:00-03:00"
    assert next_allowed(local("2026-11-20T21:00"), end_date=dt.date(2026, 11, 20), **arguments) == Expired("ENDED")


def test_zone_data_come_from_the_pinned_package_alone() -> None:
    assert zoneinfo.TZPATH == ()
    assert ZONES


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        ("2026-11-19T23:59:59", "NOT_STARTED"),
        ("2026-11-20T00:00", None),
        ("2026-11-30T23:59:59", None),
        ("2026-12-01T00:00", "ENDED"),
    ],
)
def test_a_campaign_is_open_from_its_first_to_its_last_local_day(now: str, answer: str | None) -> None:
    assert campaign_open(local(now), dt.date(2026, 11, 20), dt.date(2026, 11, 30), SAO_PAULO) == answer


def test_a_campaign_without_dates_is_always_open() -> None:
    assert campaign_open(local("2026-11-19T23:59"), None, None, SAO_PAULO) is None


def test_what_is_sent_at_once_has_a_day() -> None:
    assert sync_not_after(local("2026-11-19T23:00")) == local("2026-11-20T23:00")


nows = st.integers(31_536_000, 2_142_288_000).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC))
days = st.frozensets(st.integers(1, 7), min_size=1)


@given(nows, st.times(), days, st.sampled_from(ZONES))
@example(dt.datetime(2011, 12, 29, 12, tzinfo=dt.UTC), dt.time(14), frozenset({5}), "Pacific/Apia")
def test_in_every_zone_a_moment_is_ahead_allowed_and_before_its_latest(
    now: dt.datetime, time: dt.time, week_days: frozenset[int], key: str
) -> None:
    zone = ZoneInfo(key)
    found = moment(now, trigger_time=time, week_days=week_days, zone=zone)
    there = found.utc.astimezone(zone)
    assert now < found.utc < found.not_after
    assert there.isoweekday() in week_days
    # Never earlier than asked, and later only where a clock change took the hour away.
    assert there.time() >= time
    if there.time() != time:
        asked = dt.datetime.combine(there.date(), time, tzinfo=zone)
        assert asked.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != asked.replace(tzinfo=None)
        just_before = (found.utc - dt.timedelta(seconds=1)).astimezone(zone)
        assert just_before.utcoffset() != there.utcoffset()
    latest = found.not_after.astimezone(zone)
    assert latest.time() >= dt.time(21) or latest.date() > there.date()
    late = next_allowed(now, trigger_time=time, week_days=week_days, zone=zone)
    assert isinstance(late, Moment)
    assert now <= late.utc <= found.utc
    assert late.utc < late.not_after
    assert late.utc.astimezone(zone).isoweekday() in week_days


@given(nows, st.times(), days, st.sampled_from(ZONES), st.dates(dt.date(2000, 1, 1), dt.date(2037, 1, 1)))
def test_the_end_date_is_never_passed(
    now: dt.datetime, time: dt.time, week_days: frozenset[int], key: str, end: dt.date
) -> None:
    zone = ZoneInfo(key)
    for search in (next_moment, next_allowed):
        found = search(now, trigger_time=time, week_days=week_days, zone=zone, end_date=end)
        if isinstance(found, Moment):
            assert found.utc.astimezone(zone).date() <= end
