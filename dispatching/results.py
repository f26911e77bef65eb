"""From a typed outcome of the wire to what becomes of the dispatch: pure, one place (decision 14)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from dispatching import reasons
from dispatching.gates import explain
from dispatching.parcels import Batch, Parcel
from dispatching.retrying import delay_before
from dispatching.statuses import Status
from providers.outcomes import Kind, Outcome
from providers.settings import ProviderSettings

_FAILURES = {Kind.REJECTED, Kind.RECIPIENT_INVALID, Kind.OPTED_OUT}
# A configuration that is refused to one message alone: nobody knows yet whether it is the message.
_TRIED_AGAIN = {Kind.DEFERRED, Kind.CONFIGURATION}


class Sent(msgspec.Struct, gc=False):
    """One parcel back from the wire. Times are wall-clock UTC of this host."""

    parcel: Parcel
    batch: Batch
    outcome: Outcome
    dispatched_at: dt.datetime | None
    returned_at: dt.datetime | None


class Move(msgspec.Struct, gc=False):
    """The next state of one dispatch. `due_at` is set where it will be tried (again)."""

    parcel: Parcel
    lane_provider: str
    lane_class: int
    status: Status
    reason: str = ""
    error: str | None = None
    message_id: str = ""
    response: Any = None
    dispatched_at: dt.datetime | None = None
    returned_at: dt.datetime | None = None
    counted: bool = False
    due_at: dt.datetime | None = None
    outcome: str = ""
    is_paused: bool = False
    """It waits for its provider's configuration, unless another provider takes over."""


class Pause(msgspec.Struct, frozen=True):
    """The trouble is the provider's: the message waits it out, and its try is not counted. `seconds` of a hold; a
    paused provider's lanes are closed until it is used again, so that what waits for it may be due at once."""

    seconds: float = 0.0


LEAST_PAUSE_S = 1.0


def move_of(
    sent: Sent, settings: ProviderSettings, now: dt.datetime, back_off_s: float, pause: Pause | None = None
) -> Move:
    """What an outcome does to its dispatch. `back_off_s` is how long its lane waits after nothing left this host."""
    parcel, outcome = sent.parcel, sent.outcome
    move = Move(
        parcel=parcel,
        lane_provider=sent.batch.lane.provider_id,
        lane_class=sent.batch.lane.lane_class,
        status=Status.SENT,
        reason=outcome.reason,
        error=outcome.error,
        message_id=outcome.message_id or "",
        response=outcome.response,
        dispatched_at=sent.dispatched_at,
        returned_at=sent.returned_at,
        counted=sent.dispatched_at is not None and outcome.kind is not Kind.NOT_SENT,
        outcome=outcome.kind.name,
    )
    if outcome.kind is Kind.ACCEPTED:
        move.error = None
    elif pause is not None:
        _sit_out(move, outcome, pause, now)
    elif outcome.kind is Kind.NOT_SENT:
        move.dispatched_at = None
        _wait(move, now + dt.timedelta(seconds=back_off_s))
    elif outcome.kind in _TRIED_AGAIN or (outcome.kind is Kind.UNKNOWN and settings.idempotent):
        _retry(move, settings, outcome, now)
    elif outcome.kind is Kind.UNKNOWN:
        move.status = Status.UNKNOWN
    elif outcome.kind in _FAILURES:
        move.status = Status.FAILED
        if sent.dispatched_at is None:
            in_doubt(move)  # no request could be made of it: the vendor said nothing
    return move


def give_up(move: Move) -> None:
    """A paused message fails with its reason after all: another provider takes it from here."""
    move.status, move.due_at, move.counted, move.is_paused = Status.FAILED, None, True, False


def in_doubt(move: Move) -> Move:
    """A dispatch that ends without a definite answer of its vendor, after a try of it was never answered: UNKNOWN, so
    that nobody takes it for not sent, least of all the next provider."""
    if move.parcel.doubtful:
        move.status, move.reason = Status.UNKNOWN, reasons.EARLIER_TRY_UNANSWERED
        move.error = explain(reasons.EARLIER_TRY_UNANSWERED, move.error)
    return move


def waiting_status(parcel: Parcel) -> Status:
    return Status.SCHEDULED if parcel.asynchronous else Status.PENDING


def _sit_out(move: Move, outcome: Outcome, pause: Pause, now: dt.datetime) -> None:
    """The vendor took nothing of it, and would have taken nothing of anybody."""
    move.counted, move.dispatched_at = False, None
    move.is_paused = outcome.kind is Kind.CONFIGURATION
    _wait(move, now + dt.timedelta(seconds=max(LEAST_PAUSE_S, pause.seconds)))


def _retry(move: Move, settings: ProviderSettings, outcome: Outcome, now: dt.datetime) -> None:
    made = move.parcel.attempts + 1
    if made >= move.parcel.max_attempts:
        # Nobody knows whether an unanswered try arrived, even where the vendor would have told repeats apart.
        move.status = Status.UNKNOWN if outcome.kind is Kind.UNKNOWN else Status.FAILED
        move.reason = outcome.reason or reasons.ATTEMPTS_EXHAUSTED
        if outcome.kind in _TRIED_AGAIN:
            in_doubt(move)
        return
    delay = delay_before(made + 1, settings, outcome.retry_after)
    _wait(move, now + dt.timedelta(seconds=delay))


def _wait(move: Move, due_at: dt.datetime) -> None:
    """Try later, but never after `not_after`: then it expires, or moves to the next allowed moment when claimed."""
    move.status = waiting_status(move.parcel)
    move.due_at = due_at
    if due_at > move.parcel.not_after and not move.parcel.asynchronous:
        move.status, move.due_at = Status.EXPIRED, None
        if move.outcome == Kind.UNKNOWN.name:
            # There is no time to ask again, and what was asked may have arrived.
            move.status = Status.UNKNOWN
            return
        move.reason = reasons.NOT_AFTER_PASSED
        in_doubt(move)
