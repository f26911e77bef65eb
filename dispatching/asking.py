"""What vendors must be asked before a message can be built, and what they said: kept in memory, for a time (a token, an
identity). Belongs to the wire's thread; does no I/O itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from dispatching.parcels import Batch, Parcel
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome, outcome_of_incomplete
from providers.settings import ProviderSettings
from providers.transports import Asking, Known, Question

MOST_KNOWN = 100_000
"""Answers kept per process; the one used longest ago goes first."""
EARLY_S = 30.0
"""An answer is asked for again so long before its lifetime ends, or half of it where it is short."""

Key = tuple[str, str, str]
"""Provider, a digest of its configuration and credentials, the question's key."""


class Waiting(msgspec.Struct, eq=False):
    """Parcels whose request waits for answers."""

    batch: Batch
    parcels: list[Parcel]
    open: set[Key]
    failed: Outcome | None = None
    again: bool = False
    """Their send was answered with "what you knew is outdated" before."""


class Inquiry(msgspec.Struct, frozen=True, eq=False):
    """The ticket of a question on the wire."""

    key: Key
    question: Question
    settings: ProviderSettings
    transport: Asking


class Inquiries:
    """Answers by key, and who waits for those that are out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[Key, tuple[str, float]] = OrderedDict()
        self._waiting: dict[Key, list[Waiting]] = {}

    @property
    def open(self) -> int:
        """How many questions are out."""
        return len(self._waiting)

    def known(self, settings: ProviderSettings, questions: Sequence[Question]) -> dict[str, str] | None:
        """The values by the questions' keys; None where one is missing or outdated."""
        now = self._clock()
        values: dict[str, str] = {}
        for question in questions:
            found = self._known.get(_key(settings, question.key))
            if found is None or found[1] <= now:
                return None
            values[question.key] = found[0]
        for question in questions:
            self._known.move_to_end(_key(settings, question.key))
        return values

    def ask(
        self, settings: ProviderSettings, transport: Asking, questions: Sequence[Question], waiting: Waiting
    ) -> list[Inquiry]:
        """Let the parcels wait for what is not known. Returns what must go to the wire, which is not out already."""
        now = self._clock()
        new: list[Inquiry] = []
        for question in questions:
            key = _key(settings, question.key)
            found = self._known.get(key)
            if found is not None and found[1] > now:
                continue
            waiting.open.add(key)
            if key not in self._waiting:
                self._waiting[key] = []
                new.append(Inquiry(key, question, settings, transport))
            if waiting not in self._waiting[key]:
                self._waiting[key].append(waiting)
        return new

    def learn(self, inquiry: Inquiry, answer: WireAnswer) -> list[Waiting]:
        """Take an answer. Returns the parcels that wait for nothing more: to be built, or with why they cannot be."""
        result = _read(inquiry, answer)
        if isinstance(result, Known):
            lifetime = max(result.lifetime_s - EARLY_S, result.lifetime_s / 2)
            self._known[inquiry.key] = (result.value, self._clock() + lifetime)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        ready: list[Waiting] = []
        for waiting in self._waiting.pop(inquiry.key, ()):
            waiting.open.discard(inquiry.key)
            if isinstance(result, Outcome):
                waiting.failed = waiting.failed or result
            if not waiting.open:
                ready.append(waiting)
        return ready

    def forget(self, settings: ProviderSettings, questions: Sequence[Question]) -> None:
        """What the vendor has disproved."""
        for question in questions:
            self._known.pop(_key(settings, question.key), None)


def _read(inquiry: Inquiry, answer: WireAnswer) -> Known | Outcome:
    if not answer.complete:
        outcome = outcome_of_incomplete(answer)
    else:
        read = inquiry.transport.read_answer(inquiry.settings, inquiry.question, answer)
        if isinstance(read, Known):
            return read
        outcome = read
    if outcome.kind in (Kind.UNKNOWN, Kind.ACCEPTED):
        # Nothing was sent to the person: the question is asked again with the next try.
        outcome = msgspec.structs.replace(outcome, kind=Kind.DEFERRED)
    return outcome


def _key(settings: ProviderSettings, name: str) -> Key:
    return settings.provider_id, settings.fingerprint, name
