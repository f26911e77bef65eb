"""When a vendor owes us a report, when it is asked for it, and when a delivery is overdue. Pure."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable

import msgspec

from dispatching.statuses import WAITING, Status
from providers.loading import ProviderState
from providers.transports import Polled

LEAST_S = 60.0
"""No dispatch is looked at earlier after it was made: its transaction may still be open."""
FIRST_BACK_OFF, LONGEST_BACK_OFF = dt.timedelta(seconds=30), dt.timedelta(minutes=15)
MOST_TRIES = 100
"""Asking that fails so often is given up: about a day, as long as vendors keep what they know."""


UNUSABLE_FOR = dt.timedelta(minutes=15)
"""How long what a provider owes is left alone whose configuration or credentials cannot be read now."""


class Look(enum.Enum):
    """What a look at a waiting row leads to."""

    DONE = "done"
    LATER = "later"
    ASK = "ask"


class Watch(msgspec.Struct, frozen=True):
    """What is awaited of a provider's messages. `poll_after_s` is empty where the vendor reports by itself."""

    poll_after_s: tuple[float, ...] = ()
    overdue_after_s: float | None = None

    @property
    def first_s(self) -> float:
        """How long after a message was made it is looked at for the first time."""
        own = self.overdue_after_s if self.overdue_after_s is not None else LEAST_S
        return max(LEAST_S, min(self.poll_after_s[0], own) if self.poll_after_s else own)


class Owed(msgspec.Struct, frozen=True):
    """A row that waits. The fields are those of dispatching.awaited.AwaitedReport."""

    dispatch_id: str
    provider_id: str
    polls: int
    tries: int


class State(msgspec.Struct, frozen=True):
    """Its dispatch. `reported`: the vendor has said more of it than that it took it."""

    status: str
    returned_at: dt.datetime | None
    scheduled_for: dt.datetime | None
    message_id: str
    reported: bool


class Next(msgspec.Struct, frozen=True):
    """`at`: the next look, where it is later. `overdue_since`: None while nothing is overdue."""

    step: Look
    at: dt.datetime
    overdue_since: dt.datetime | None = None


def watches_of(providers: Iterable[ProviderState]) -> dict[str, Watch | None]:
    """By provider id, those that owe reports as they are set up; None where that cannot be told now. Switched off or
    not: they took messages before."""
    found: dict[str, Watch | None] = {}
    for provider in providers:
        transport, settings = provider.transport, provider.settings
        if transport is None or settings is None:
            found[provider.id] = None
            continue
        if not transport.awaits_reports(settings):
            continue
        moments = tuple(transport.poll_after_s) if isinstance(transport, Polled) else ()
        if moments or settings.overdue_after_s is not None:
            found[provider.id] = Watch(moments, settings.overdue_after_s)
    return found


def next_look(owed: Owed, state: State | None, watch: Watch | None, now: dt.datetime) -> Next:
    """What is to be done with a row whose moment has come."""
    if state is None or watch is None or state.reported or state.status not in (*WAITING, Status.SENT):
        return Next(Look.DONE, now)
    if state.status in WAITING:
        return Next(Look.LATER, max(state.scheduled_for or now, now) + dt.timedelta(seconds=watch.first_s))
    taken_at = state.returned_at or now
    due = _overdue_at(taken_at, watch)
    overdue_since = due if due <= now else None
    if state.message_id and owed.polls < len(watch.poll_after_s) and owed.tries < MOST_TRIES:
        poll_at = taken_at + dt.timedelta(seconds=sum(watch.poll_after_s[: owed.polls + 1]))
        if poll_at <= now or owed.tries:
            return Next(Look.ASK, now, overdue_since)
        return Next(Look.LATER, min(poll_at, due) if due > now else poll_at, overdue_since)
    return Next(Look.DONE, now, overdue_since) if overdue_since else Next(Look.LATER, due)


def after_asking(owed: Owed, now: dt.datetime, *, was_answered: bool) -> tuple[Owed, dt.datetime]:
    """The row of a message that the vendor knew nothing of, or that it did not answer about, and its next look."""
    if was_answered:
        return msgspec.structs.replace(owed, polls=owed.polls + 1, tries=0), now
    return owed, now + min(FIRST_BACK_OFF * 2.0 ** min(owed.tries - 1, 10), LONGEST_BACK_OFF)


def _overdue_at(taken_at: dt.datetime, watch: Watch) -> dt.datetime:
    """Without a time of its own, once the vendor was asked for the last time."""
    after = watch.overdue_after_s if watch.overdue_after_s is not None else sum(watch.poll_after_s)
    return taken_at + dt.timedelta(seconds=after)
