"""When a provider is left alone and when it is tried again: pure, for every order of outcomes that there can be."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatching.circuits import (
    HOLD_CAP_S,
    HOLD_FIRST_S,
    LEAST_VOLUME,
    LONGEST_HOLD_S,
    PROBE_CAP_S,
    REMEMBERED_S,
    Circuit,
    Sign,
    Window,
    after_probe,
    closed,
    held,
    opened,
    paused,
    sign_of,
)
from providers.circuits import State
from providers.outcomes import Kind, Outcome

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SHUT = (State.OPEN, State.PAUSED)


def later(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


STEPS = st.sampled_from(["opened", "paused", "held", "good", "bad", "limited", "refused", "silent", "resumed"])


def step(name: str, circuit: Circuit, now: dt.datetime, retry_after: float | None) -> Circuit:
    if name == "opened":
        return opened(circuit, now, reason="TIMEOUT", error="e")
    if name == "paused":
        return paused(circuit, now, reason="UNAUTHORIZED", error="e")
    if name == "held":
        return held(circuit, now, retry_after=retry_after, error="e")
    if name == "resumed":
        return closed(now)
    if circuit.state not in SHUT or circuit.probe_at is None or circuit.probe_at > now:
        return circuit  # nobody gets the probe
    return after_probe(circuit, now, Sign(name), reason="R", error="e", retry_after=retry_after)


@given(steps=st.lists(st.tuples(STEPS, st.floats(0, 2000), st.none() | st.floats(0, 100_000)), min_size=1, max_size=40))
def test_whatever_happens_each_state_names_when_it_ends_and_no_wait_is_endless(
    steps: list[tuple[str, float, float | None]],
) -> None:
    circuit, now = Circuit(), START
    for name, pause, retry_after in steps:
        now += dt.timedelta(seconds=pause)
        before = circuit
        circuit = step(name, circuit, now, retry_after)
        assert circuit.state is not State.HALF_OPEN, "a try is a lease, not a state"
        if circuit.state is State.CLOSED:
            assert circuit.probe_at is None
            continue
        assert circuit.probe_at is not None
        assert circuit.since is not None
        assert circuit.reason
        longest = LONGEST_HOLD_S if circuit.state is State.HELD else PROBE_CAP_S
        assert circuit.probe_at <= now + dt.timedelta(seconds=longest)
        if before.state in SHUT and name in ("opened", "held"):
            assert circuit == before, "what was on the wire before changes nothing"
        if name == "good" and before.state in SHUT and before != circuit:
            pytest.fail("a try that went well closes it")


def test_each_try_that_fails_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    circuit, waits, now = opened(Circuit(), START, reason="TIMEOUT", error=""), [], START
    for _ in range(8):
        assert circuit.probe_at is not None
        waits.append((circuit.probe_at - now).total_seconds())
        now = circuit.probe_at
        circuit = after_probe(circuit, now, Sign.BAD, reason="TIMEOUT", error="")
        assert circuit.since == START, "the same trouble, since the same moment"
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert after_probe(circuit, now, Sign.GOOD, reason="", error="") == closed(now, failures=9)


def test_one_message_that_goes_well_between_two_outages_does_not_begin_the_waits_anew() -> None:
    circuit, now, waits = Circuit(), START, []
    for _ in range(4):
        circuit = opened(circuit, now, reason="TIMEOUT", error="")
        assert circuit.probe_at is not None
        waits.append((circuit.probe_at - now).total_seconds())
        now = circuit.probe_at
        circuit = after_probe(circuit, now, Sign.GOOD, reason="", error="")
        assert circuit.state is State.CLOSED
    assert waits == [30, 60, 120, 240]
    quiet = opened(circuit, now + dt.timedelta(seconds=REMEMBERED_S + 1), reason="TIMEOUT", error="")
    assert quiet.failures == 1


def test_a_probe_tells_what_kind_of_trouble_it_is_now() -> None:
    trouble = paused(Circuit(), START, reason="UNAUTHORIZED", error="401")
    assert (trouble.state, trouble.probe_at) == (State.PAUSED, later(120))
    failing = after_probe(trouble, later(120), Sign.BAD, reason="TIMEOUT", error="")
    assert (failing.state, failing.failures) == (State.OPEN, 2)
    refused = after_probe(failing, later(300), Sign.REFUSED, reason="FORBIDDEN", error="")
    assert (refused.state, refused.reason, refused.failures) == (State.PAUSED, "FORBIDDEN", 3)
    limited = after_probe(refused, later(900), Sign.LIMITED, reason="", error="", retry_after=7)
    assert (limited.state, limited.probe_at) == (State.HELD, later(907))
    nobody = after_probe(refused, later(900), Sign.SILENT, reason="", error="")
    assert (nobody.state, nobody.probe_at) == (State.PAUSED, later(901)), "it was our own fault: once more, soon"


def test_trouble_that_comes_back_at_once_goes_on_with_its_number() -> None:
    soon = Circuit(State.CLOSED, since=START, failures=2)
    assert paused(soon, later(60), reason="FORBIDDEN", error="").failures == 3
    assert paused(soon, later(REMEMBERED_S + 1), reason="FORBIDDEN", error="").failures == 1


def test_a_hold_lasts_as_long_as_the_vendor_asks_and_the_later_end_counts() -> None:
    first = held(Circuit(), START, retry_after=10, error="")
    assert (first.state, first.probe_at) == (State.HELD, later(10))
    assert held(first, later(1), retry_after=2, error="").probe_at == later(10)
    assert held(first, later(1), retry_after=20, error="").probe_at == later(21)
    assert held(Circuit(), START, retry_after=10**9, error="").probe_at == later(LONGEST_HOLD_S)
    assert held(Circuit(), START, retry_after=0, error="").probe_at == later(HOLD_FIRST_S), "never no time at all"


def test_without_a_word_about_it_holds_double_and_begin_anew_after_a_quiet_minute() -> None:
    circuit, now, waits = Circuit(), START, []
    for _ in range(9):
        circuit = held(circuit, now, retry_after=None, error="")
        assert circuit.probe_at is not None
        waits.append((circuit.probe_at - now).total_seconds())
        again = held(circuit, now, retry_after=None, error="")
        assert (again.probe_at, again.failures) == (circuit.probe_at, circuit.failures), "answers of one moment are one"
        now = circuit.probe_at + dt.timedelta(seconds=1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    quiet = held(circuit, now + dt.timedelta(seconds=HOLD_CAP_S + 1), retry_after=None, error="")
    assert quiet.failures == 1


def test_however_long_trouble_lasts_its_number_fits_into_its_column() -> None:
    limited, failing, now = Circuit(), Circuit(State.OPEN, since=START, probe_at=START), START
    for _ in range(40_000):
        now += dt.timedelta(seconds=1.5)
        limited = held(limited, now, retry_after=1, error="")
        failing = after_probe(failing, now, Sign.BAD, reason="", error="")
    assert max(limited.failures, failing.failures) < 2**15, "smallint"
    again = Circuit(State.CLOSED, since=now, failures=failing.failures)
    assert opened(again, now, reason="", error="").failures < 2**15


@pytest.mark.parametrize(
    ("outcome", "sign"),
    [
        (Outcome(Kind.ACCEPTED), Sign.GOOD),
        (Outcome(Kind.REJECTED, reason="NO"), Sign.GOOD),
        (Outcome(Kind.RECIPIENT_INVALID, reason="NO"), Sign.GOOD),
        (Outcome(Kind.OPTED_OUT, reason="NO"), Sign.GOOD),
        (Outcome(Kind.CONFIGURATION, reason="UNAUTHORIZED"), Sign.REFUSED),
        (Outcome(Kind.UNKNOWN, reason="TIMEOUT"), Sign.BAD),
        (Outcome(Kind.DEFERRED, reason="UNAVAILABLE", retry_after=3), Sign.BAD),
        (Outcome(Kind.DEFERRED, reason="RATE_LIMITED"), Sign.LIMITED),
        (Outcome(Kind.DEFERRED, reason="GREYLISTED", retry_after=900), Sign.GOOD),
        (Outcome(Kind.DEFERRED, reason="PAIR_RATE_LIMITED"), Sign.GOOD),
        (Outcome(Kind.DEFERRED, reason="DEVICE_RATE_LIMITED"), Sign.GOOD),
        (Outcome(Kind.DEFERRED, reason="UNREACHABLE"), Sign.GOOD),
        (Outcome(Kind.DEFERRED, reason="MEDIA_FAILED"), Sign.GOOD),
        (Outcome(Kind.NOT_SENT, reason="CONNECT"), Sign.BAD),
        (Outcome(Kind.NOT_SENT, reason="DEADLINE"), Sign.SILENT),
    ],
)
def test_what_an_outcome_says_about_its_provider(outcome: Outcome, sign: Sign) -> None:
    assert sign_of(outcome, asked=True) is sign


def test_what_our_own_house_refused_says_nothing_good_of_the_vendor() -> None:
    assert sign_of(Outcome(Kind.REJECTED, reason="TRANSPORT_ERROR"), asked=False) is Sign.SILENT
    assert sign_of(Outcome(Kind.CONFIGURATION, reason="NO_SENDER"), asked=False) is Sign.REFUSED


@given(added=st.lists(st.tuples(st.floats(0, 10), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=50))
def test_a_window_trips_by_share_and_volume_of_its_last_seconds_alone(added: list[tuple[float, int, int]]) -> None:
    window, now, known = Window(), 1000.0, []
    for pause, good, bad in added:
        now += pause
        window.add(now, good=good, bad=bad)
        known.append((int(now), good, bad))
        recent = [one for one in known if one[0] > int(now) - 30]
        bads, goods = sum(one[2] for one in recent), sum(one[1] for one in recent)
        assert window.is_tripped() == (bads + goods >= LEAST_VOLUME and 2 * bads >= bads + goods)
    window.clear()
    assert not window.is_tripped()


def test_answers_that_are_still_out_may_all_be_acceptances() -> None:
    window = Window()
    window.add(1000.0, good=2, bad=30)
    assert window.is_tripped(28)
    assert not window.is_tripped(29), "refusals come back first; half of what is under way is not known to have failed"
