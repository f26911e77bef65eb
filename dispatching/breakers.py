"""The circuits of all providers as one process sees and moves them: outcomes in, trouble told to all processes.

While all is well nothing is written, and the few rows of circuits that are not closed are read twice a second.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import psycopg
import structlog

from dispatching import circuit_rows, circuits, metrics
from dispatching.circuit_rows import Moved
from dispatching.circuits import Sign, Window, sign_of
from dispatching.lanes import Lanes
from dispatching.results import Sent
from dispatching.snapshot import SnapshotHolder
from providers.circuits import UNAVAILABLE, State
from providers.outcomes import Kind

LOOK_S = 0.5
_WORSE = (Sign.BAD, Sign.LIMITED, Sign.REFUSED)

log = structlog.get_logger("prism.dispatching")


class Trouble(msgspec.Struct):
    """What one provider's outcomes of a moment come to. `told_by` is the outcome whose words are kept."""

    told_by: Sent
    sign: Sign
    is_probe: bool = False
    retry_after: float | None = None

    @property
    def provider_id(self) -> str:
        return self.told_by.batch.lane.provider_id


class Tally:
    """What one provider's outcomes of a moment count for. `refused` since the last good one: ids of messages."""

    def __init__(self) -> None:
        self.good = self.bad = self.limited = 0
        self.refused: list[str] = []
        self.worst: Trouble | None = None

    def count(self, sent: Sent) -> None:
        sign = Sign.GOOD if sent.outcome.kind is Kind.ACCEPTED else _sign_of(sent)
        if sign is Sign.GOOD:
            self.good += 1
            self.refused.clear()
        elif sign is Sign.BAD and sent.parcel.attempts > 0:
            # A second failure may be the message's own; a process that sends mostly what failed before would take it
            # for the provider's.
            return
        elif sign is not Sign.SILENT:
            self.bad += sign is Sign.BAD
            self.limited += sign is Sign.LIMITED
            if sign is Sign.REFUSED:
                self.refused.append(sent.parcel.id)
            self._keep_worst(sent, sign)

    def _keep_worst(self, sent: Sent, sign: Sign) -> None:
        """One trouble per provider: the worst, and of limits the longest wait."""
        known, wait = self.worst, sent.outcome.retry_after if sign is Sign.LIMITED else None
        if known is None or _WORSE.index(sign) > _WORSE.index(known.sign):
            self.worst = Trouble(sent, sign, retry_after=wait)
        elif sign is known.sign and wait is not None:
            known.retry_after = max(wait, known.retry_after or 0.0)


class Breakers:
    """Belongs to the recorder's thread."""

    def __init__(
        self,
        worker_id: int,
        lanes: Lanes,
        snapshots: SnapshotHolder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._worker_id = worker_id
        self._lanes = lanes
        self._snapshots = snapshots
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._looked = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether the picture is old enough to be read again."""
        return self._clock() - self._looked >= LOOK_S

    def look(self, connection: psycopg.Connection) -> None:
        """Read which circuits are not closed."""
        found = circuit_rows.look(connection)
        self._looked = self._clock()
        before = self._lanes.unavailable()
        self._lanes.show(found)
        for provider_id in before - self._lanes.unavailable():
            # Whoever closed it had a reason, such as a message that went well; what came back in the bad time says
            # nothing about the one that begins.
            self._windows[provider_id] = Window()
            self._windows[provider_id].add(self._clock(), good=1)
        metrics.show_circuits(found)

    def note(self, sents: Sequence[Sent]) -> list[Trouble]:
        """Count what came back. Returns what has to be told: mostly nothing."""
        troubles: list[Trouble] = []
        now = self._clock()
        for provider_id, own in _by_provider(sents).items():
            window = self._windows.setdefault(provider_id, Window())
            if self._lanes.state_of(provider_id) in UNAVAILABLE:
                # What was on the wire before comes back, and is not counted.
                window.clear()
            tally = Tally()
            for sent in own:
                if sent.batch.is_probe:
                    troubles.append(_probed(sent))
                else:
                    tally.count(sent)
            window.add(now, good=tally.good, bad=tally.bad, limited=tally.limited, refused_since=tally.refused)
            if tally.worst is not None and self._is_news(tally.worst, window, len(own)):
                troubles.append(tally.worst)
        return troubles

    def tell(self, connection: psycopg.Connection, trouble: Trouble) -> None:
        """Move the circuit for all processes, and learn how it stands now."""
        if self._is_about_the_past(connection, trouble):
            self._windows.pop(trouble.provider_id, None)
            return
        moved = circuit_rows.move(
            connection,
            trouble.provider_id,
            lambda before, now: _step(before, now, trouble),
            probe_of=self._worker_id if trouble.is_probe else None,
        )
        if trouble.sign is not Sign.LIMITED:
            self._windows.pop(trouble.provider_id, None)
        self.look(connection)
        if moved is not None and moved.is_news:
            _report(trouble.provider_id, moved)

    def is_crowded(self, provider_id: str) -> bool:
        """Whether 429 is the provider's word to everybody, and not about one message."""
        window = self._windows.get(provider_id)
        return window is not None and window.is_crowded

    def takes_others(self, provider_id: str) -> bool:
        """Whether a refusal of the configuration is about the one message."""
        window = self._windows.get(provider_id)
        return window is not None and not window.is_refused

    def _is_news(self, trouble: Trouble, window: Window, returned: int) -> bool:
        state = self._lanes.state_of(trouble.provider_id)
        if trouble.sign is Sign.REFUSED:
            return state is not State.PAUSED and (not _was_asked(trouble) or window.is_refused)
        if state in UNAVAILABLE:
            return False  # only the probe's word counts now
        if trouble.sign is Sign.LIMITED:
            return state is State.CLOSED or (trouble.retry_after or 0) > self._lanes.wait_of(trouble.provider_id)
        return window.is_tripped(self._lanes.on_the_wire(trouble.provider_id, returned))

    def _is_about_the_past(self, connection: psycopg.Connection, trouble: Trouble) -> bool:
        """The configuration has changed since this left: the new one has not been tried yet."""
        used = trouble.told_by.batch.settings
        with connection.cursor() as cursor:
            state = self._snapshots.current(cursor).providers.get(trouble.provider_id)
        known = state.settings if state else None
        return used is not None and known is not None and used.fingerprint != known.fingerprint


def _by_provider(sents: Iterable[Sent]) -> dict[str, list[Sent]]:
    found: dict[str, list[Sent]] = {}
    for sent in sents:
        found.setdefault(sent.batch.lane.provider_id, []).append(sent)
    return found


def _was_asked(trouble: Trouble) -> bool:
    """Whether it was the vendor that refused, and not our own house that had nothing to ask with."""
    return trouble.told_by.dispatched_at is not None


def _sign_of(sent: Sent) -> Sign:
    return sign_of(sent.outcome, asked=sent.dispatched_at is not None)


def _probed(sent: Sent) -> Trouble:
    return Trouble(sent, _sign_of(sent), is_probe=True, retry_after=sent.outcome.retry_after)


def _step(before: circuits.Circuit, now: dt.datetime, trouble: Trouble) -> circuits.Circuit:
    outcome = trouble.told_by.outcome
    reason, error = outcome.reason[:100], outcome.error or ""
    if trouble.is_probe:
        return circuits.after_probe(
            before, now, trouble.sign, reason=reason, error=error, retry_after=trouble.retry_after
        )
    if trouble.sign is Sign.REFUSED:
        return circuits.paused(before, now, reason=reason, error=error)
    if trouble.sign is Sign.LIMITED:
        return circuits.held(before, now, retry_after=trouble.retry_after, error=error)
    return circuits.opened(before, now, reason=reason, error=error)


def _report(provider_id: str, moved: Moved) -> None:
    """One line per change, for people and for whoever raises alarms."""
    after = moved.after
    told = {
        "provider": provider_id,
        "reason": after.reason or moved.before.reason,
        "error": after.error,
        "times": after.failures,
        "next_try": after.probe_at.isoformat() if after.probe_at else None,
    }
    if after.state is State.PAUSED:
        log.error("provider_paused", result="failure", metadata=told)
    elif after.state is State.OPEN:
        log.error("provider_left_alone", result="failure", metadata=told)
    elif after.state is State.HELD:
        log.warning("provider_held_back", result="failure", metadata=told)
    else:
        log.info("provider_used_again", result="success", metadata=told)
