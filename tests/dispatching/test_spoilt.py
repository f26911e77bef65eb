"""A vendor that takes nothing of a request for one message in it: the others go out again at once, without that one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from dispatching.results import Sent
from providers.messages import Message, WireAnswer
from providers.outcomes import SPOILT, Kind, Outcome
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings
from tests.dispatching.test_sending import StillWire, sender_with
from tests.dispatching.toys import Toy, answered, batch, ids

NUMBERS = [f"{number:02}" for number in range(9)]
BAD = Outcome(Kind.RECIPIENT_INVALID, reason="INVALID_EMAIL")


class StrictToy(Toy):
    """400 refuses the whole request: its body names the bad ones, or nobody."""

    def parse(self, settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:
        if answer.status != 400:
            return super().parse(settings, messages, answer)
        named = json.loads(answer.body)
        if len(messages) == 1:
            return [BAD]
        return [BAD if one.dispatch_id in named else Outcome(Kind.DEFERRED, reason=SPOILT) for one in messages]


@pytest.fixture
def wire() -> StillWire:
    return StillWire()


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSPORTS, "toy", StrictToy(batch_size=100))


def play(wire: StillWire, bad: list[str], *, names: bool) -> tuple[list[Sent], list[list[str]]]:
    """What came back in the end, and the requests that it took."""
    sender = sender_with(wire)
    back = sender._submit(batch(*NUMBERS))
    requests: list[list[str]] = []
    while wire.taken:
        ticket, request = wire.taken.pop(0)
        requests.append(ids(request))
        named = [name for name in ids(request) if name in bad]
        answer = answered(json.dumps(named[:1] if names else []).encode(), 400) if named else answered()
        back += sender._returned([(ticket, answer)])
    return back, requests


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("bad", [[], ["00"], ["04"], ["01", "02", "08"], NUMBERS])
def test_everybody_gets_one_outcome_and_only_the_bad_ones_fail(wire: StillWire, bad: list[str], names: bool) -> None:
    back, requests = play(wire, bad, names=names)
    assert sorted(sent.parcel.id for sent in back) == NUMBERS
    for sent in back:
        assert sent.outcome.kind is (Kind.RECIPIENT_INVALID if sent.parcel.id in bad else Kind.ACCEPTED)
    assert requests[0] == NUMBERS


def test_who_is_named_costs_one_request_more(wire: StillWire) -> None:
    _back, requests = play(wire, ["03"], names=True)
    assert requests == [NUMBERS, [name for name in NUMBERS if name != "03"]]


def test_who_is_not_named_is_found_by_halves(wire: StillWire) -> None:
    _back, requests = play(wire, ["03"], names=False)
    assert len(requests) == 1 + 2 * 3  # each step halves the one that was refused: 9, 4, 2, 1


def test_the_others_of_a_request_wait_for_nothing_and_count_no_try(wire: StillWire) -> None:
    sender = sender_with(wire)
    sender._submit(batch("00", "01"))
    ((ticket, _request),) = wire.taken
    (sent,) = sender._returned([(ticket, answered(b'["00"]', 400))])
    assert sent.parcel.id == "00"
    assert [ids(request) for _ticket, request in wire.taken[1:]] == [["01"]]


def test_a_message_that_is_alone_cannot_be_spoilt_by_another(wire: StillWire, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_settings: ProviderSettings, _messages: Sequence[Message], _answer: WireAnswer) -> list[Outcome]:
        return [Outcome(Kind.DEFERRED, reason=SPOILT)]

    monkeypatch.setattr(TRANSPORTS["toy"], "parse", parse)
    sender = sender_with(wire)
    sender._submit(batch("00"))
    ((ticket, _request),) = wire.taken
    (sent,) = sender._returned([(ticket, answered())])
    assert (sent.outcome.kind, sent.outcome.reason) == (Kind.DEFERRED, SPOILT)
