"""The thread that drives the wire: released batches in, typed outcomes out. No database here (decision 13)."""

from __future__ import annotations

import datetime as dt
import queue
from collections.abc import Callable, Sequence

import msgspec
import structlog

from dispatching.asking import REFUSED_HERE, Inquiries, Inquiry, outcome_without_answer
from dispatching.grouping import Group, group_parcels, without_spoilt, without_unsendable
from dispatching.parcels import Batch, Parcel
from dispatching.results import Sent
from providers.messages import WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome, bounded_text
from providers.registry import TRANSPORTS
from providers.transports import Transport, Unsendable
from providers.transports.redaction import redacted
from providers.wire import Wire

POLL_S = 0.2

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
        """Who waits for an answer is on the wire with the question."""
        return self._released.empty() and not self._wire.in_flight and not self._wire.queued

    def _take_released(self) -> list[Sent]:
        refused: list[Sent] = []
        while not self._released.empty():
            for batch in self._released.get():
                refused += self._submit(batch)
        return refused

    def _submit(self, batch: Batch) -> list[Sent]:
        """To the wire with it. Returns what cannot go there."""
        assert batch.settings is not None
        transport = TRANSPORTS[batch.settings.vendor]
        try:
            groups, back = group_parcels(transport, batch)
        except Exception as error:
            log.exception("build_failed", result="failure", provider_id=batch.settings.provider_id)
            return _unbuildable(batch, batch.parcels, error)
        for group in groups:
            back += self._build(transport, group)
        return back

    def _build(self, transport: Transport, group: Group) -> list[Sent]:
        back: list[Sent] = []
        groups = [group]
        while groups:
            group = groups.pop()
            try:
                request = self._request(transport, group)
            except Unsendable as refusal:
                refused, others = without_unsendable(group, refusal)
                back += refused
                groups += reversed(others)
            except Exception as error:
                log.exception("build_failed", result="failure", provider_id=group.settings.provider_id)
                back += _unbuildable(group.batch, group.parcels, error)
            else:
                if request is not None:
                    self._put_on_wire(group, group, request)
        return back

    def _request(self, transport: Transport, group: Group) -> WireRequest | None:
        """None where it waits for what the vendor is asked first."""
        messages = [parcel.message for parcel in group.parcels]
        if group.asking is None:
            return transport.build(group.settings, messages)
        questions = group.asking.questions(group.settings, messages)
        for inquiry in self._inquiries.ask(group, group.asking, questions):
            self._put_on_wire(inquiry, group, inquiry.question.request)
        return None if group.open else group.asking.build_knowing(group.settings, messages, group.known)

    def _put_on_wire(self, ticket: Group | Inquiry, group: Group, request: WireRequest) -> None:
        batch = group.batch
        self._wire.submit(ticket, str(batch.lane), group.settings.concurrency, request, batch.deadline)

    def _returned(self, answers: Sequence[tuple[object, WireAnswer]]) -> list[Sent]:
        back: list[Sent] = []
        if not answers:
            return back
        now = dt.datetime.now(dt.UTC)
        for ticket, answer in answers:
            if isinstance(ticket, Inquiry):
                back += self._learn(ticket, answer, now)
            else:
                assert isinstance(ticket, Group)  # the wire keeps our tickets as opaque objects
                again = self._ask_again(ticket, answer)
                back += self._settle(ticket, answer, now) if again is None else again
        return back

    def _settle(self, group: Group, answer: WireAnswer, now: dt.datetime) -> list[Sent]:
        back, others = without_spoilt(group, _sents(group, answer, now))
        for other in others:
            back += self._build(TRANSPORTS[group.settings.vendor], other)
        return back

    def _learn(self, inquiry: Inquiry, answer: WireAnswer, now: dt.datetime) -> list[Sent]:
        back: list[Sent] = []
        # The person was sent nothing, but the vendor was asked: an outage of it counts as one.
        asked_at = now if answer.left else None
        for group in self._inquiries.learn(inquiry, answer):
            if group.failed is None:
                back += self._build(TRANSPORTS[group.settings.vendor], group)
            else:
                back += [Sent(parcel, group.batch, group.failed, asked_at, now) for parcel in group.parcels]
        return back

    def _ask_again(self, group: Group, answer: WireAnswer) -> list[Sent] | None:
        """None where the answer stands; else the vendor said that what we knew is outdated, for the first time."""
        if group.asking is None or group.again or not answer.complete:
            return None
        try:
            if not group.asking.disproves(group.settings, answer):
                return None
        except Exception:
            log.exception("parse_failed", result="failure", provider_id=group.settings.provider_id)
            return None
        self._inquiries.forget(group)
        group.again = True
        return self._build(TRANSPORTS[group.settings.vendor], group)


def _sents(group: Group, answer: WireAnswer, now: dt.datetime) -> list[Sent]:
    left_at = now - dt.timedelta(milliseconds=answer.elapsed_ms) if answer.left else None
    return [
        Sent(parcel, group.batch, outcome, left_at, now)
        for parcel, outcome in zip(group.parcels, _outcomes(group, answer), strict=True)
    ]


def _outcomes(group: Group, answer: WireAnswer) -> list[Outcome]:
    parcels = group.parcels
    answer = _without_secrets(group, answer)
    if not answer.complete:
        return [outcome_without_answer(answer)] * len(parcels)
    settings = group.settings
    try:
        outcomes = TRANSPORTS[settings.vendor].parse(settings, [parcel.message for parcel in parcels], answer)
        if len(outcomes) == len(parcels):
            return outcomes
        problem = f"{len(outcomes)} outcomes for {len(parcels)} messages"
    except Exception as error:
        log.exception("parse_failed", result="failure", provider_id=settings.provider_id)
        problem = _told(error, group.batch)
    return [Outcome(Kind.UNKNOWN, reason=REFUSED_HERE, error=problem)] * len(parcels)


def _without_secrets(group: Group, answer: WireAnswer) -> WireAnswer:
    """What was learnt for the request, such as a token, is as secret as what it was learnt with. Our credentials the
    transports take out of answers, but none of them sees one that was cut short."""
    secrets = [*group.known.values()]
    if not answer.complete:
        secrets += group.settings.credentials.values()
    body = redacted(answer.body, secrets) if answer.body and secrets else answer.body
    return answer if body is answer.body else msgspec.structs.replace(answer, body=body)


def _told(error: Exception, batch: Batch) -> str:
    """What a defect of a transport says, which may repeat what it stumbled over."""
    secrets = batch.settings.credentials.values() if batch.settings else ()
    return bounded_text(redacted(repr(error).encode("utf-8", "replace"), secrets).decode("utf-8", "replace"))


def _unbuildable(batch: Batch, parcels: list[Parcel], error: Exception) -> list[Sent]:
    """What a transport could not make a request of."""
    outcome = Outcome(Kind.REJECTED, reason=REFUSED_HERE, error=_told(error, batch))
    return [Sent(parcel, batch, outcome, None, None) for parcel in parcels]
