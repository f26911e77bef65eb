"""From an outcome to the next state, for every outcome there can be: pure, and one table in the reader's head."""

from __future__ import annotations

import datetime as dt
import time

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dispatching.parcels import EMPTY_MESSAGE, Batch, LaneKey, Parcel
from dispatching.results import Move, Sent, move_of
from dispatching.retrying import delay_before
from dispatching.statuses import Status
from providers.outcomes import Kind, Outcome
from tests.dispatching.test_lanes import settings

NOW = dt.datetime(2026, 3, 4, 15, 30, tzinfo=dt.UTC)
DEFINITE = {
    Kind.ACCEPTED: Status.SENT,
    Kind.REJECTED: Status.FAILED,
    Kind.RECIPIENT_INVALID: Status.FAILED,
    Kind.OPTED_OUT: Status.FAILED,
}


@given(
    kind=st.sampled_from(Kind),
    attempts=st.integers(0, 5),
    max_attempts=st.integers(1, 5),
    asynchronous=st.booleans(),
    doubtful=st.booleans(),
    idempotent=st.booleans(),
    seconds_left=st.integers(-10, 60),
    retry_after=st.none() | st.floats(0, 10_000),
    back_off=st.floats(0, 30),
    left=st.booleans(),
)
@hypothesis_settings(max_examples=2000)
def test_every_outcome_ends_a_dispatch_or_names_when_it_is_tried_again(
    kind: Kind,
    attempts: int,
    max_attempts: int,
    asynchronous: bool,
    doubtful: bool,
    idempotent: bool,
    seconds_left: int,
    retry_after: float | None,
    back_off: float,
    left: bool,
) -> None:
    not_after = NOW + dt.timedelta(seconds=seconds_left)
    parcel = Parcel(
        "x", 1, None, None, 1, attempts, max_attempts, asynchronous, not_after, NOW, EMPTY_MESSAGE, doubtful
    )
    own = settings(idempotent=idempotent)
    batch = Batch("b", LaneKey("p", 1), None, [parcel], time.monotonic())
    sent = Sent(parcel, batch, Outcome(kind, retry_after=retry_after), NOW if left else None, NOW)
    move = move_of(sent, own, NOW, back_off)
    waits = move.status in (Status.PENDING, Status.SCHEDULED)
    assert waits == (move.due_at is not None)
    assert move.counted == (left and kind is not Kind.NOT_SENT)
    definite = kind is Kind.ACCEPTED or (kind in DEFINITE and (left or not doubtful))
    if definite:
        assert move.status is DEFINITE[kind]
    elif waits:
        _is_tried_again_for_a_reason(move, idempotent=idempotent)
    elif doubtful:
        assert move.status is Status.UNKNOWN, "an earlier try may have arrived"
    elif kind is Kind.UNKNOWN:
        assert move.status is Status.UNKNOWN, "nobody knows whether this try arrived"
    elif kind is Kind.NOT_SENT:
        assert (move.status, move.reason) == (Status.EXPIRED, "NOT_AFTER_PASSED")
    elif kind in (Kind.DEFERRED, Kind.CONFIGURATION):
        assert move.status is (Status.FAILED if attempts + 1 >= max_attempts else Status.EXPIRED)


def _is_tried_again_for_a_reason(move: Move, *, idempotent: bool) -> None:
    parcel = move.parcel
    assert move.outcome in ("DEFERRED", "CONFIGURATION", "NOT_SENT") or (move.outcome == "UNKNOWN" and idempotent)
    assert move.outcome == "NOT_SENT" or parcel.attempts + 1 < parcel.max_attempts
    assert move.due_at is not None
    assert move.due_at >= NOW
    assert parcel.asynchronous or move.due_at <= parcel.not_after
    assert move.status is (Status.SCHEDULED if parcel.asynchronous else Status.PENDING)


def test_a_dispatch_that_was_replayed_a_thousand_times_waits_no_longer_than_the_cap() -> None:
    assert delay_before(5_000, settings(), None, jitter=0.5) == 30
