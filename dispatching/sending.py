"""The thread that drives the wire: released batches in, typed outcomes out. No database here (decision 13)."""

from __future__ import annotations

import datetime as dt
import queue
from collections.abc import Callable, Hashable, Sequence

import structlog

from dispatching.asking import Inquiries, Inquiry, Waiting
from dispatching.parcels import Batch, Parcel
from dispatching.results import Sent
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome, outcome_of_incomplete
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings
from providers.transports import Asking, Grouping, Transport
from providers.wire import Wire, errors

POLL_S = 0.2
REFUSED_HERE = "TRANSPORT_ERROR"

log = structlog.get_logger("prism.dispatching")


class Sender:
    """Feeds the wire. `deliver` takes what came back; it runs in this thread and must be quick."""

    def __init__(self, wire: Wire, deliver: Callable[[list[Sent]], None]) -> None:
        self._wire = wire
        self._deliver = deliver
        self._released: queue.SimpleQueue[list[Batch]] = queue.SimpleQueue()
        self._inquiries = Inquiries()
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
        try:
            groups = _groups(transport, settings, batch.parcels)
        except Exception as error:
            log.exception("build_failed", result="failure", provider_id=settings.provider_id)
            return _refused(batch, batch.parcels, error)
        if isinstance(transport, Asking):
            return [sent for parcels in groups for sent in self._ask(transport, Waiting(batch, parcels, set()))]
        return [sent for parcels in groups for sent in self._build(transport, batch, parcels)]

    def _build(self, transport: Transport, batch: Batch, parcels: list[Parcel]) -> list[Sent]:
        settings = batch.settings
        assert settings is not None
        try:
            request = transport.build(settings, [parcel.message for parcel in parcels])
        except Exception as error:
            log.exception("build_failed", result="failure", provider_id=settings.provider_id)
            return _refused(batch, parcels, error)
        self._wire.submit((batch, parcels), str(batch.lane), settings.concurrency, request, batch.deadline)
        return []

    def _ask(self, transport: Asking, waiting: Waiting) -> list[Sent]:
        """Build what can be built; let the rest wait for what the vendor is asked first."""
        batch = waiting.batch
        settings = batch.settings
        assert settings is not None
        messages = [parcel.message for parcel in waiting.parcels]
        try:
            questions = transport.questions(settings, messages)
            known = self._inquiries.known(settings, questions)
            if known is not None:
                request = transport.build_knowing(settings, messages, known)
                self._wire.submit(waiting, str(batch.lane), settings.concurrency, request, batch.deadline)
                return []
        except Exception as error:
            log.exception("build_failed", result="failure", provider_id=settings.provider_id)
            return _refused(batch, waiting.parcels, error)
        for inquiry in self._inquiries.ask(settings, transport, questions, waiting):
            self._wire.submit(inquiry, str(batch.lane), settings.concurrency, inquiry.question.request, batch.deadline)
        return []

    def _returned(self, answers: Sequence[tuple[object, WireAnswer]]) -> list[Sent]:
        back: list[Sent] = []
        if not answers:
            return back
        now = dt.datetime.now(dt.UTC)
        for token, answer in answers:
            if isinstance(token, tuple):  # the wire keeps our tickets as opaque objects
                batch, parcels = token
                back += _sents(batch, parcels, answer, now)
            elif isinstance(token, Inquiry):
                back += self._learn(token, answer, now)
            elif isinstance(token, Waiting):
                back += self._answered(token, answer, now)
        return back

    def _learn(self, inquiry: Inquiry, answer: WireAnswer, now: dt.datetime) -> list[Sent]:
        back: list[Sent] = []
        for waiting in self._inquiries.learn(inquiry, answer):
            if waiting.failed is None:
                back += self._ask(inquiry.transport, waiting)
                continue
            # The person was sent nothing, but the vendor was asked: an outage of it counts as one.
            asked_at = now if answer.left else None
            back += [Sent(parcel, waiting.batch, waiting.failed, asked_at, now) for parcel in waiting.parcels]
        return back

    def _answered(self, waiting: Waiting, answer: WireAnswer, now: dt.datetime) -> list[Sent]:
        settings = waiting.batch.settings
        assert settings is not None
        transport = TRANSPORTS[settings.vendor]
        assert isinstance(transport, Asking)
        if answer.complete and not waiting.again and transport.disproves(settings, answer):
            messages = [parcel.message for parcel in waiting.parcels]
            self._inquiries.forget(settings, transport.questions(settings, messages))
            waiting.again = True
            return self._ask(transport, waiting)
        return _sents(waiting.batch, waiting.parcels, answer, now)


def _sents(batch: Batch, parcels: list[Parcel], answer: WireAnswer, now: dt.datetime) -> list[Sent]:
    left_at = now - dt.timedelta(milliseconds=answer.elapsed_ms) if answer.left else None
    return [
        Sent(parcel, batch, outcome, left_at, now)
        for parcel, outcome in zip(parcels, _outcomes(batch, parcels, answer), strict=True)
    ]


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


def _groups(transport: Transport, settings: ProviderSettings, parcels: list[Parcel]) -> list[list[Parcel]]:
    """What may share a request, in the order of the parcels."""
    size = transport.batch_size_of(settings)
    if size == 1 or not isinstance(transport, Grouping):
        return [parcels[start : start + size] for start in range(0, len(parcels), size)]
    alike: dict[Hashable, list[Parcel]] = {}
    for parcel in parcels:
        alike.setdefault(transport.group_key(settings, parcel.message), []).append(parcel)
    return [group[start : start + size] for group in alike.values() for start in range(0, len(group), size)]
