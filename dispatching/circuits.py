"""When a provider is left alone, and when it is tried again: a state machine of outcomes and a clock. Pure.

CLOSED lets everything pass. HELD waits out what a vendor asked for (429), then all pass again. OPEN (too many tries
failed) and PAUSED (the vendor does not take our configuration) let one single message pass at `probe_at`, from one
process of all; its outcome closes the circuit or puts the next probe off, each time twice as long.
`dispatching.breakers` feeds it, `dispatching.circuit_rows` keeps it for all processes.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from collections.abc import Iterable

import msgspec

from providers.circuits import State
from providers.outcomes import Kind, Outcome

WINDOW_S = 30.0
LEAST_VOLUME = 20
"""Outcomes in the window below which no share of failures says anything."""
SHARE = 0.5
OPEN_FIRST_S, PAUSE_FIRST_S, PROBE_CAP_S = 30.0, 120.0, 900.0
HOLD_FIRST_S, HOLD_CAP_S = 1.0, 60.0
LONGEST_HOLD_S = 3600.0
REMEMBERED_S = 1200.0
"""Trouble that comes back so soon after a circuit was closed goes on with its number: the waits go on doubling."""
REFUSED_IN_A_ROW = 3
"""So many messages whose configuration is refused, and none taken between them, are the provider's trouble. Fewer are
their own, where others are taken: a vendor may refuse one recipient with the words it has for a bad credential."""
CROWD = 5
"""So many messages with 429 in the window: it is the account's limit, and the single message has nothing to do with
it. Below that, 429 may be about the message, and its tries count."""
MOST_FAILURES = 1000
"""Where counting ends: the waits have long stopped growing, and the column holds a small number."""
RATE_LIMITED = "RATE_LIMITED"
OF_ONE_MESSAGE = {
    *("GREYLISTED", "MAILBOX_FULL", "PAIR_RATE_LIMITED", "DEVICE_RATE_LIMITED", "UNREACHABLE"),  # its address
    "MEDIA_FAILED",  # what it links to
}
"""Reasons to wait that a vendor gives for one message, as it gives a refusal. A server that asks everybody to come back
in a quarter of an hour (greylisting) is well, and never lets a first try pass: a circuit would stay open for good; and
neither a list of landlines nor one broken picture may stop a provider."""


class Sign(enum.Enum):
    """What an outcome says about the provider (not about the message)."""

    GOOD = "good"
    BAD = "bad"
    LIMITED = "limited"
    REFUSED = "refused"
    SILENT = "silent"


_SIGNS = {
    Kind.ACCEPTED: Sign.GOOD,
    # It judged the message: somebody is at home, and took our credential.
    Kind.REJECTED: Sign.GOOD,
    Kind.RECIPIENT_INVALID: Sign.GOOD,
    Kind.OPTED_OUT: Sign.GOOD,
    Kind.CONFIGURATION: Sign.REFUSED,
    Kind.UNKNOWN: Sign.BAD,
    Kind.DEFERRED: Sign.BAD,
    Kind.NOT_SENT: Sign.BAD,
}


def sign_of(outcome: Outcome, *, asked: bool) -> Sign:
    """`asked`: the vendor gave the answer; what was refused in our own house says nothing good of it."""
    sign = _SIGNS[outcome.kind]
    if sign is Sign.BAD:
        if outcome.kind is Kind.DEFERRED and outcome.reason == RATE_LIMITED:
            return Sign.LIMITED
        if outcome.kind is Kind.DEFERRED and outcome.reason in OF_ONE_MESSAGE:
            return Sign.GOOD if asked else Sign.SILENT
        # A deadline that passed in our own queue.
        return Sign.SILENT if outcome.reason == "DEADLINE" and outcome.kind is Kind.NOT_SENT else sign
    return Sign.SILENT if sign is Sign.GOOD and not asked else sign


class Circuit(msgspec.Struct, frozen=True):
    """`failures` counts how often in a row it was opened, paused or held; `probe_at` ends the wait."""

    state: State = State.CLOSED
    reason: str = ""
    error: str = ""
    since: dt.datetime | None = None
    probe_at: dt.datetime | None = None
    failures: int = 0


def opened(before: Circuit, now: dt.datetime, *, reason: str, error: str) -> Circuit:
    """Too many tries failed. One that is open or paused already stays as it is."""
    if before.state in (State.OPEN, State.PAUSED):
        return before
    return _shut(before, now, State.OPEN, reason, error)


def paused(before: Circuit, now: dt.datetime, *, reason: str, error: str) -> Circuit:
    """The vendor refuses our configuration: nothing but a change, or a person, is expected to help."""
    if before.state is State.PAUSED:
        return before
    return _shut(before, now, State.PAUSED, reason, error)


def held(before: Circuit, now: dt.datetime, *, retry_after: float | None, error: str) -> Circuit:
    """The vendor asks for less. The later of two ends counts; an open or paused circuit waits long enough anyway."""
    if before.state in (State.OPEN, State.PAUSED):
        return before
    number, since, until = 1, now, now
    if before.state is State.HELD and before.probe_at is not None and before.since is not None:
        if before.probe_at > now:
            # An answer to what left before the hold: the same trouble.
            number, since, until = before.failures, before.since, before.probe_at
        elif (now - before.probe_at).total_seconds() < HOLD_CAP_S:
            number = _next_number(before)
    wait = doubled(HOLD_FIRST_S, number, HOLD_CAP_S)
    if retry_after is not None:
        # "At once" beside a refusal would be a hold, and a line about it, with every few messages.
        wait = max(HOLD_FIRST_S, min(retry_after, LONGEST_HOLD_S))
    return Circuit(State.HELD, RATE_LIMITED, error, since, max(until, now + dt.timedelta(seconds=wait)), number)


def after_probe(
    before: Circuit, now: dt.datetime, sign: Sign, *, reason: str, error: str, retry_after: float | None = None
) -> Circuit:
    """What the one message that was let through has proved."""
    if sign is Sign.GOOD:
        return closed(now, before.failures)
    if sign is Sign.LIMITED:
        # It answers, and only wants less: nothing of the trouble is left.
        return held(Circuit(), now, retry_after=retry_after, error=error)
    if sign is Sign.SILENT:
        return msgspec.structs.replace(before, probe_at=now + dt.timedelta(seconds=HOLD_FIRST_S))
    state, first = (State.PAUSED, PAUSE_FIRST_S) if sign is Sign.REFUSED else (State.OPEN, OPEN_FIRST_S)
    number = _next_number(before)
    wait = dt.timedelta(seconds=doubled(first, number, PROBE_CAP_S))
    return Circuit(state, reason, error, before.since or now, now + wait, number)


def closed(now: dt.datetime, failures: int = 0) -> Circuit:
    """One message went well; what comes back soon goes on with the number."""
    return Circuit(since=now, failures=failures)


def doubled(first: float, number: int, cap: float) -> float:
    """The wait of the n-th time in a row."""
    return float(min(cap, first * 2.0 ** min(max(0, number - 1), 40)))


def _next_number(before: Circuit) -> int:
    return min(before.failures + 1, MOST_FAILURES)


def _shut(before: Circuit, now: dt.datetime, state: State, reason: str, error: str) -> Circuit:
    again = before.since is not None and (now - before.since).total_seconds() < REMEMBERED_S
    number = _next_number(before) if again and before.state is State.CLOSED else 1
    first = PAUSE_FIRST_S if state is State.PAUSED else OPEN_FIRST_S
    wait = dt.timedelta(seconds=doubled(first, number, PROBE_CAP_S))
    return Circuit(state, reason, error, now, now + wait, number)


class Window:
    """The outcomes of one provider's last seconds in this process, by the second."""

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()
        self._refused: set[str] = set()

    def add(
        self, now: float, *, good: int = 0, bad: int = 0, limited: int = 0, refused_since: Iterable[str] = ()
    ) -> None:
        """`now` in seconds of any clock that goes forward; `refused_since` the last good one: ids of messages."""
        if good:
            self._refused.clear()
        if len(self._refused) < REFUSED_IN_A_ROW:
            self._refused.update(refused_since)
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0, 0])
        last = self._seconds[-1]
        last[1] += good
        last[2] += bad
        last[3] += limited
        while self._seconds[0][0] <= second - WINDOW_S:
            self._seconds.popleft()

    def clear(self) -> None:
        self._seconds.clear()
        self._refused.clear()

    def is_tripped(self, outstanding: int = 0) -> bool:
        """`outstanding`: messages that are out without an answer. Refusals come back sooner than acceptances, so the
        first answers after a pause say nothing of the share."""
        bad = sum(one[2] for one in self._seconds)
        volume = bad + sum(one[1] for one in self._seconds)
        return volume >= LEAST_VOLUME and bad >= (volume + outstanding) * SHARE

    @property
    def is_refused(self) -> bool:
        """Whether a refusal of the configuration means everybody, and not one message among others that are taken."""
        return len(self._refused) >= REFUSED_IN_A_ROW or not any(one[1] for one in self._seconds)

    @property
    def is_crowded(self) -> bool:
        return sum(one[3] for one in self._seconds) >= CROWD
