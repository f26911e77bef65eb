"""What vendors must be asked before a message can be built, and what they said: kept in memory, for a time (a token, an
identity). Belongs to the wire's thread; does no I/O itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
import structlog

from dispatching.grouping import Group, Key
from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome, outcome_of_incomplete
from providers.settings import ProviderSettings
from providers.transports import Asking, Known, Question
from providers.wire import errors

MOST_KNOWN = 100_000
"""Answers kept per process; the one used longest ago goes first."""
EARLY_S = 30.0
"""An answer is asked for again so long before its lifetime ends, or half of it where it is short."""
REFUSED_HERE = "TRANSPORT_ERROR"

log = structlog.get_logger("prism.dispatching")


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
        self._waiting: dict[Key, list[Group]] = {}

    def ask(self, group: Group, transport: Asking, questions: Sequence[Question]) -> list[Inquiry]:
        """Give the group what is known; let it wait for the rest. Returns what is not out already, for the wire."""
        new: list[Inquiry] = []
        for question in questions:
            key = _key(group.settings, question.key)
            if question.key in group.known or key in group.open:
                continue
            found = self._known.get(key)
            if found is not None and found[1] > self._clock():
                self._known.move_to_end(key)
                group.known[question.key] = found[0]
                continue
            group.open.add(key)
            if key not in self._waiting:
                self._waiting[key] = []
                new.append(Inquiry(key, question, group.settings, transport))
            self._waiting[key].append(group)
        return new

    def learn(self, inquiry: Inquiry, answer: WireAnswer) -> list[Group]:
        """Take an answer. Returns the groups that wait for nothing more: to be built, or with why they cannot be."""
        result = _read(inquiry, answer)
        if isinstance(result, Known):
            self._keep(inquiry.key, result)
        ready: list[Group] = []
        for group in self._waiting.pop(inquiry.key, ()):
            group.open.discard(inquiry.key)
            if isinstance(result, Known):
                group.known[inquiry.question.key] = result.value
            else:
                group.failed = group.failed or result
            if not group.open:
                ready.append(group)
        return ready

    def forget(self, group: Group) -> None:
        """What this group was built with, because the vendor has disproved it; not what was learnt since."""
        for name, value in group.known.items():
            key = _key(group.settings, name)
            if self._known.get(key, ("", 0.0))[0] == value:
                self._known.pop(key, None)
        group.known = {}

    def _keep(self, key: Key, known: Known) -> None:
        lifetime = max(known.lifetime_s - EARLY_S, known.lifetime_s / 2)
        self._known[key] = (known.value, self._clock() + lifetime)
        self._known.move_to_end(key)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


def outcome_without_answer(answer: WireAnswer) -> Outcome:
    """Of a request that was not answered to its end."""
    outcome = outcome_of_incomplete(answer)
    if answer.error == errors.INVALID and not answer.left:
        # No request can be made of it, now or later: as if the transport had not been able to build it.
        return Outcome(Kind.REJECTED, reason=REFUSED_HERE, error=outcome.error)
    return outcome


def _read(inquiry: Inquiry, answer: WireAnswer) -> Known | Outcome:
    if answer.complete:
        try:
            read = inquiry.transport.read_answer(inquiry.settings, inquiry.question, answer)
        except Exception as error:
            log.exception("parse_failed", result="failure", provider_id=inquiry.settings.provider_id)
            read = Outcome(Kind.DEFERRED, reason=REFUSED_HERE, error=type(error).__name__)
        if isinstance(read, Known):
            return read
    else:
        # Half an answer to a question may be half a token: nothing of it is kept.
        read = outcome_without_answer(msgspec.structs.replace(answer, body=b""))
    if read.kind in (Kind.UNKNOWN, Kind.ACCEPTED):
        # Nothing was sent to the person: the question is asked again with the next try.
        read = msgspec.structs.replace(read, kind=Kind.DEFERRED)
    return read


def _key(settings: ProviderSettings, name: str) -> Key:
    return settings.provider_id, settings.fingerprint, name
