"""When a report is asked for, and when its absence is something to look at: the clockwork, without a database."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatching.owing import MOST_TRIES, Look, Next, Owed, State, Watch, after_asking, next_look

NOW = dt.datetime(2026, 3, 4, 15, 30, tzinfo=dt.UTC)
EXPO = Watch(poll_after_s=(900, 2700), overdue_after_s=4500)
META = Watch(overdue_after_s=900)


def at(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def owed(polls: int = 0, tries: int = 0) -> Owed:
    return Owed("d", "p", polls, tries)


def taken(seconds_ago: float, **fields: object) -> State:
    given = {"status": "SENT", "returned_at": at(-seconds_ago), "scheduled_for": None, "message_id": "m"}
    return State(**{**given, "reported": False, **fields})  # type: ignore[arg-type]  # a row, by name


@pytest.mark.parametrize(
    ("watch", "first"), [(EXPO, 900), (META, 900), (Watch(overdue_after_s=5), 60), (Watch((5,)), 60)]
)
def test_the_first_look_is_when_something_is_due_and_never_at_once(watch: Watch, first: float) -> None:
    assert watch.first_s == first


@pytest.mark.parametrize(
    "state",
    [
        None,
        taken(9999, reported=True),
        *(taken(9999, status=name) for name in ("DELIVERED", "READ", "FAILED", "UNKNOWN")),
    ],
)
def test_nothing_is_owed_of_what_ended_or_was_reported_on(state: State | None) -> None:
    assert next_look(owed(), state, META, NOW) == Next(Look.DONE, NOW)


def test_nothing_is_owed_by_a_provider_that_is_watched_no_more() -> None:
    assert next_look(owed(), taken(9999), None, NOW) == Next(Look.DONE, NOW)


def test_what_waits_to_be_sent_is_looked_at_after_its_moment() -> None:
    later = taken(0, status="SCHEDULED", returned_at=None, scheduled_for=at(3600))
    assert next_look(owed(), later, META, NOW) == Next(Look.LATER, at(4500))
    retried = taken(0, status="PENDING", returned_at=at(-50))
    assert next_look(owed(), retried, META, NOW) == Next(Look.LATER, at(900))


def test_a_vendor_that_reports_by_itself_is_waited_for_from_its_answer_on() -> None:
    assert next_look(owed(), taken(800), META, NOW) == Next(Look.LATER, at(100))
    assert next_look(owed(), taken(1000), META, NOW) == Next(Look.DONE, NOW, at(-100))


def test_a_vendor_that_must_be_asked_is_asked_at_its_moments_then_given_up() -> None:
    assert next_look(owed(), taken(800), EXPO, NOW) == Next(Look.LATER, at(100))
    assert next_look(owed(), taken(900), EXPO, NOW) == Next(Look.ASK, NOW)
    assert after_asking(owed(tries=1), NOW, was_answered=True) == (owed(polls=1), NOW)
    assert next_look(owed(polls=1), taken(900), EXPO, NOW) == Next(Look.LATER, at(2700))
    assert next_look(owed(polls=1), taken(3600), EXPO, NOW) == Next(Look.ASK, NOW)
    assert next_look(owed(polls=2), taken(3600), EXPO, NOW) == Next(Look.LATER, at(900))
    assert next_look(owed(polls=2), taken(5000), EXPO, NOW) == Next(Look.DONE, NOW, at(-500))


def test_what_is_overdue_is_marked_while_the_vendor_is_still_asked() -> None:
    early = Watch(poll_after_s=(900, 9000), overdue_after_s=1800)
    assert next_look(owed(polls=1), taken(1000), early, NOW) == Next(Look.LATER, at(800))
    assert next_look(owed(polls=1), taken(1800), early, NOW) == Next(Look.LATER, at(8100), NOW)
    assert next_look(owed(polls=1), taken(9900), early, NOW) == Next(Look.ASK, NOW, at(-8100))


def test_without_a_time_of_its_own_it_is_overdue_once_it_was_asked_for_the_last_time() -> None:
    assert next_look(owed(polls=1), taken(60), Watch((10.0,)), NOW) == Next(Look.DONE, NOW, at(-50))


def test_asking_that_fails_is_tried_again_more_and_more_seldom_and_not_for_ever() -> None:
    waits = []
    for tries in range(1, 9):
        same, moment = after_asking(owed(tries=tries), NOW, was_answered=False)
        assert same == owed(tries=tries)
        assert next_look(same, taken(1000), EXPO, NOW).step is Look.ASK
        waits.append((moment - NOW).total_seconds())
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    given_up = next_look(owed(tries=MOST_TRIES), taken(86_400), EXPO, NOW)
    assert (given_up.step, given_up.overdue_since is not None) == (Look.DONE, True)


def test_what_has_no_id_at_its_vendor_is_not_asked_about() -> None:
    assert next_look(owed(), taken(5000, message_id=""), EXPO, NOW).step is Look.DONE
