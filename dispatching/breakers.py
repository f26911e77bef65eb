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
            # Whoever closed it: what came back in its bad time says nothing about the one that begins.
            self._windows.pop(provider_id, None)
        metrics.show_circuits(found)

    def note(self, sents: Sequence[Sent]) -> list[Trouble]:
        """Count what came back. Returns what has to be told: mostly nothing."""
        troubles: dict[str, Trouble] = {}
        probes: list[Trouble] = []
        now = self._clock()
        for provider_id, own in _by_provider(sents).items():
            window = self._windows.setdefault(provider_id, Window())
            if self._lanes.state_of(provider_id) in UNAVAILABLE:
                # What was on the wire before comes back, and is not counted.
                window.clear()
            good = bad = limited = 0
            for sent in own:
                if sent.outcome.kind is Kind.ACCEPTED and not sent.batch.is_probe:
                    good += 1
                    continue
                sign = sign_of(sent.outcome, asked=sent.dispatched_at is not None)
                if sent.batch.is_probe:
                    probes.append(Trouble(sent, sign, is_probe=True, retry_after=sent.outcome.retry_after))
                elif sign is Sign.GOOD:
                    good += 1
                elif sign is Sign.BAD and sent.parcel.attempts > 0:
                    # A second failure may be the message's own; a process that sends mostly what failed before would
                    # take it for the provider's.
                    continue
                elif sign is not Sign.SILENT:
                    bad += sign is Sign.BAD
                    limited += sign is Sign.LIMITED
                    _worst(troubles, sent, sign)
            window.add(now, good=good, bad=bad, limited=limited)
            out = self._lanes.on_the_wire(provider_id, len(own)) if provider_id in troubles else 0
            if provider_id in troubles and not self._is_news(troubles[provider_id], window, out):
                del troubles[provider_id]
        return [*probes, *troubles.values()]

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

    def _is_news(self, trouble: Trouble, window: Window, outstanding: int) -> bool:
        state = self._lanes.state_of(trouble.provider_id)
        if trouble.sign is Sign.REFUSED:
            return state is not State.PAUSED
        if state in UNAVAILABLE:
            return False  # only the probe's word counts now
        if trouble.sign is Sign.LIMITED:
            return state is State.CLOSED or (trouble.retry_after or 0) > self._lanes.wait_of(trouble.provider_id)
        return window.is_tripped(outstanding)

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


_WORSE = (Sign.BAD, Sign.LIMITED, Sign.REFUSED)


def _worst(troubles: dict[str, Trouble], sent: Sent, sign: Sign) -> None:
    """One trouble per provider: the worst, and of limits the longest wait."""
    provider_id = sent.batch.lane.provider_id
    known = troubles.get(provider_id)
    wait = sent.outcome.retry_after if sign is Sign.LIMITED else None
    if known is None or _WORSE.index(sign) > _WORSE.index(known.sign):
        troubles[provider_id] = Trouble(sent, sign, retry_after=wait)
    elif sign is known.sign and wait is not None:
        known.retry_after = max(wait, known.retry_after or 0.0)


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
