"""The thread that drives the wire: released batches in, typed outcomes out. No database here (decision 13)."""

from __future__ import annotations

import datetime as dt
import queue
from collections.abc import Callable, Sequence
from typing import cast

import structlog

from dispatching.parcels import Batch, Parcel
from dispatching.results import Sent
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome, outcome_of_incomplete
from providers.registry import TRANSPORTS
from providers.wire import Wire, errors

POLL_S = 0.2
REFUSED_HERE = "TRANSPORT_ERROR"

log = structlog.get_logger("prism.dispatching")

Ticket = tuple[Batch, list[Parcel]]


class Sender:
    """Feeds the wire. `deliver` takes what came back; it runs in this thread and must be quick."""

    def __init__(self, wire: Wire, deliver: Callable[[list[Sent]], None]) -> None:
        self._wire = wire
        self._deliver = deliver
        self._released: queue.SimpleQueue[list[Batch]] = queue.SimpleQueue()
        self._stopping = False

    def put(self, batches: list[Batch]) -> None:
        """From any thread, after the commit of their release."""
        if batches:
            self._released.put(batches)
            self._wire.wake()

    def stop(self) -> None:
        """Leave once nothing is queued or on the wire."""
        self._stopping = True
        self._wire.wake()

    def run(self) -> None:
        try:
            while not (self._stopping and self._idle()):
                back = self._take_released()
                back += self._returned(self._wire.poll(POLL_S))
                if back:
                    self._deliver(back)
        finally:
            self._wire.close()

    def _idle(self) -> bool:
        return self._released.empty() and not self._wire.in_flight and not self._wire.queued

    def _take_released(self) -> list[Sent]:
        refused: list[Sent] = []
        while not self._released.empty():
            for batch in self._released.get():
                refused += self._submit(batch)
        return refused

    def _submit(self, batch: Batch) -> list[Sent]:
        settings = batch.settings
        assert settings is not None
        transport = TRANSPORTS[settings.vendor]
        lane = str(batch.lane)
        refused: list[Sent] = []
        try:
            groups = _groups(batch.parcels, transport.batch_size_of(settings))
        except Exception as error:
            log.exception("build_failed", result="failure", provider_id=settings.provider_id)
            return _refused(batch, batch.parcels, error)
        for parcels in groups:
            try:
                request = transport.build(settings, [parcel.message for parcel in parcels])
            except Exception as error:
                log.exception("build_failed", result="failure", provider_id=settings.provider_id)
                refused += _refused(batch, parcels, error)
                continue
            self._wire.submit((batch, parcels), lane, settings.concurrency, request, batch.deadline)
        return refused

    def _returned(self, answers: Sequence[tuple[object, WireAnswer]]) -> list[Sent]:
        back: list[Sent] = []
        if not answers:
            return back
        now = dt.datetime.now(dt.UTC)
        for token, answer in answers:
            batch, parcels = cast(Ticket, token)  # the wire keeps our ticket as an opaque object
            left_at = now - dt.timedelta(milliseconds=answer.elapsed_ms)
            for parcel, outcome in zip(parcels, _outcomes(batch, parcels, answer), strict=True):
                back.append(Sent(parcel, batch, outcome, left_at if answer.left else None, now))
        return back


def _outcomes(batch: Batch, parcels: list[Parcel], answer: WireAnswer) -> list[Outcome]:
    if not answer.complete:
        outcome = outcome_of_incomplete(answer)
        if answer.error == errors.INVALID and not answer.left:
            # No request can be made of it, now or later: as if the transport had not been able to build it.
            outcome = Outcome(Kind.REJECTED, reason=REFUSED_HERE, error=outcome.error)
        return [outcome] * len(parcels)
    settings = batch.settings
    assert settings is not None
    try:
        outcomes = TRANSPORTS[settings.vendor].parse(settings, [parcel.message for parcel in parcels], answer)
        if len(outcomes) == len(parcels):
            return outcomes
        problem = f"{len(outcomes)} outcomes for {len(parcels)} messages"
    except Exception as error:
        log.exception("parse_failed", result="failure", provider_id=settings.provider_id)
        problem = repr(error)[:500]
    return [Outcome(Kind.UNKNOWN, reason=REFUSED_HERE, error=problem)] * len(parcels)


def _refused(batch: Batch, parcels: list[Parcel], error: Exception) -> list[Sent]:
    """What a transport could not make a request of."""
    outcome = Outcome(Kind.REJECTED, reason=REFUSED_HERE, error=repr(error)[:500])
    return [Sent(parcel, batch, outcome, None, None) for parcel in parcels]


def _groups(parcels: list[Parcel], size: int) -> list[list[Parcel]]:
    return [parcels[start : start + size] for start in range(0, len(parcels), size)]
