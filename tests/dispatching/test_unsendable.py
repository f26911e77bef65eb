"""A message that can never be sent ends with its reason, without a request, and takes no other with it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from dispatching.results import Move, Sent, move_of
from dispatching.statuses import Status
from providers.messages import Message
from providers.outcomes import Kind
from providers.registry import TRANSPORTS
from providers.transports import Unsendable
from tests.dispatching.test_results import NOW
from tests.dispatching.test_sending import StillWire, sender_with
from tests.dispatching.toys import AskingToy, GroupingToy, Toy, batch, ids, token

NUMBERS = [f"{number:02}" for number in range(9)]


def refusing(*names: str) -> Callable[[Message], Exception | None]:
    def refuse(message: Message) -> Exception | None:
        if message.dispatch_id not in names:
            return None
        return Unsendable(Kind.RECIPIENT_INVALID, "INVALID_NUMBER", f"no digits in {message.dispatch_id!r}")

    return refuse


@pytest.fixture
def wire() -> StillWire:
    return StillWire()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Toy], Toy]:
    def put(toy: Toy) -> Toy:
        monkeypatch.setitem(TRANSPORTS, "toy", toy)
        return toy

    return put


def told(sents: list[Sent]) -> dict[str, tuple[Kind, str]]:
    return {sent.parcel.id: (sent.outcome.kind, sent.outcome.reason) for sent in sents}


INVALID = (Kind.RECIPIENT_INVALID, "INVALID_NUMBER")


@pytest.mark.parametrize("names_index", [True, False])
@pytest.mark.parametrize("bad", [["00"], ["04"], ["08"], ["00", "01", "05"], NUMBERS])
def test_the_others_of_a_request_still_go_in_their_order(
    wire: StillWire, use: Callable[[Toy], Toy], bad: list[str], names_index: bool
) -> None:
    toy = use(Toy(batch_size=100))
    toy.refuse, toy.names_index = refusing(*bad), names_index
    refused = sender_with(wire)._submit(batch(*NUMBERS))
    assert told(refused) == dict.fromkeys(bad, INVALID)
    sent = [name for _ticket, request in wire.taken for name in ids(request)]
    assert sent == [name for name in NUMBERS if name not in bad]


def test_a_place_that_is_none_is_as_good_as_no_place(wire: StillWire, use: Callable[[Toy], Toy]) -> None:
    toy = use(Toy(batch_size=100))

    class Misplaced(Unsendable):
        """Whatever it is told, it names the thousandth."""

        index = property(lambda _self: 1000, lambda _self, _value: None)

    toy.refuse = lambda m: Misplaced(Kind.REJECTED, "X", "x") if m.dispatch_id == "03" else None
    refused = sender_with(wire)._submit(batch(*NUMBERS))
    assert told(refused) == {"03": (Kind.REJECTED, "X")}
    assert sorted(name for _ticket, request in wire.taken for name in ids(request)) == [*NUMBERS[:3], *NUMBERS[4:]]


def test_what_no_group_takes_ends_and_the_rest_is_grouped(wire: StillWire, use: Callable[[Toy], Toy]) -> None:
    use(GroupingToy(batch_size=100)).refuse = refusing("02")
    refused = sender_with(wire)._submit(batch("01", "02", "03"))
    assert told(refused) == {"02": INVALID}
    ((_ticket, request),) = wire.taken
    assert ids(request) == ["01", "03"]


def test_it_is_refused_after_asking_too_and_the_others_keep_what_was_learnt(
    wire: StillWire, use: Callable[[Toy], Toy]
) -> None:
    toy = use(AskingToy(batch_size=100))
    toy.refuse = refusing("01")
    sender = sender_with(wire)
    assert sender._submit(batch("00", "01", "02")) == []
    ((inquiry, question),) = wire.taken
    assert ids(question) == []
    assert told(sender._returned([(inquiry, token(lifetime=0))])) == {"01": INVALID}
    assert [ids(request) for _ticket, request in wire.taken[1:]] == [["00", "02"]]


def test_it_is_no_try_and_says_why(wire: StillWire, use: Callable[[Toy], Toy]) -> None:
    use(Toy()).refuse = refusing("00")
    (sent,) = sender_with(wire)._submit(batch("00"))
    move = move_for(sent)
    assert (move.status, move.counted, move.dispatched_at) == (Status.FAILED, False, None)
    assert (move.reason, move.error) == ("INVALID_NUMBER", "no digits in '00'")


def test_after_a_try_that_nobody_answered_it_stays_unknown(wire: StillWire, use: Callable[[Toy], Toy]) -> None:
    """The earlier try may have arrived: the next provider must not send it again."""
    use(Toy()).refuse = refusing("00")
    doubtful = batch("00")
    doubtful.parcels = [msgspec.structs.replace(doubtful.parcels[0], attempts=1, doubtful=True)]
    (sent,) = sender_with(wire)._submit(doubtful)
    assert move_for(sent).status is Status.UNKNOWN


def test_its_text_stays_out_of_tracebacks() -> None:
    assert "5511" not in repr(Unsendable(Kind.REJECTED, "INVALID_NUMBER", "551199 is no number"))


def move_for(sent: Sent) -> Move:
    assert sent.batch.settings is not None
    return move_of(sent, sent.batch.settings, NOW, 1.0)
