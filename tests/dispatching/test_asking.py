"""What a vendor must be asked first is asked once for all who wait, kept for its time, and asked anew when outdated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import Mock

import pytest

from dispatching import asking
from dispatching.asking import Inquiries, Inquiry
from dispatching.results import Sent
from dispatching.sending import Sender
from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings
from providers.transports import Question
from providers.wire import answers
from tests.dispatching.test_sending import StillWire, sender_with
from tests.dispatching.toys import AskingToy, answered, batch, ids, request, token

REFUSED = answered(b"{}", 403)
OUTDATED = answered(b"{}", 401)
UNANSWERED = WireAnswer(0, {}, b"", left=True, complete=False, error="timeout", detail="too slow", elapsed_ms=1.0)
UNREACHED = WireAnswer(0, {}, b"", left=False, complete=False, error="connect", detail="refused", elapsed_ms=1.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A sender whose wire and clock are the test's."""

    def __init__(self) -> None:
        self.wire = StillWire()
        self.clock = Clock()
        self.sender: Sender = sender_with(self.wire)
        self.sender._inquiries = Inquiries(self.clock)

    def send(self, *names: str, **own: Any) -> list[Sent]:
        return self.sender._submit(batch(*names, **own))

    def out(self) -> list[tuple[Any, list[str]]]:
        """What went to the wire since one looked last: the ticket, and whose messages it carries (none: a question)."""
        taken, self.wire.taken = self.wire.taken, []
        return [(ticket, ids(request)) for ticket, request in taken]

    def sent(self) -> list[list[str]]:
        return [names for _ticket, names in self.out()]

    def ask(self) -> Any:
        """The one question that is out, and nothing else."""
        ((ticket, names),) = self.out()
        assert names == []
        return ticket

    def answer(self, ticket: Any, answer: WireAnswer) -> list[Sent]:
        return self.sender._returned([(ticket, answer)])


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[AskingToy], AskingToy]:
    def put(toy: AskingToy) -> AskingToy:
        monkeypatch.setitem(TRANSPORTS, "toy", toy)
        return toy

    return put


@pytest.fixture
def toy(use: Callable[[AskingToy], AskingToy]) -> AskingToy:
    return use(AskingToy())


def kinds(sents: Sequence[Sent]) -> list[tuple[str, Kind]]:
    return [(sent.parcel.id, sent.outcome.kind) for sent in sents]


def test_one_question_serves_everybody_who_waits_in_their_order(desk: Desk, toy: AskingToy) -> None:
    assert desk.send("1", "2", "3") == []
    question = desk.ask()
    assert desk.send("4") == []
    assert desk.out() == [], "the question is out already"
    assert desk.answer(question, token("t1")) == []
    assert desk.sent() == [["1"], ["2"], ["3"], ["4"]]
    assert toy.built_with == ["t1"] * 4
    desk.send("5")
    assert desk.sent() == [["5"]]


@pytest.mark.parametrize(("lifetime", "kept_for"), [(3600, 3570), (40, 20), (0, 0)])
def test_an_answer_is_kept_for_its_lifetime_less_a_little(
    desk: Desk, toy: AskingToy, lifetime: float, kept_for: float
) -> None:
    desk.send("1")
    desk.answer(desk.ask(), token("t1", lifetime))
    assert desk.sent() == [["1"]], "whoever waited uses it, however short it holds"
    if kept_for:
        desk.clock.now += kept_for - 1
        desk.send("2")
        assert desk.sent() == [["2"]]
    desk.clock.now += 1
    desk.send("3")
    desk.answer(desk.ask(), token("t2", lifetime))
    assert toy.built_with[-1] == "t2"


def test_a_refused_question_ends_everybody_who_waits_and_is_asked_anew_by_who_comes_later(
    desk: Desk, toy: AskingToy
) -> None:
    desk.send("1", "2")
    back = desk.answer(desk.ask(), REFUSED)
    assert kinds(back) == [("1", Kind.CONFIGURATION), ("2", Kind.CONFIGURATION)]
    assert all(sent.dispatched_at for sent in back), "the vendor was asked: an outage of it counts"
    desk.send("3")
    assert desk.ask()
    assert toy.built_with == []


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (UNANSWERED, Kind.DEFERRED, "TIMEOUT"),
        (UNREACHED, Kind.NOT_SENT, "CONNECT"),
        (answers.late(), Kind.NOT_SENT, "DEADLINE"),
        (answers.invalid("no URL"), Kind.REJECTED, "TRANSPORT_ERROR"),
    ],
)
def test_an_unanswered_question_leaves_nobody_in_doubt(
    desk: Desk, toy: AskingToy, answer: WireAnswer, kind: Kind, reason: str
) -> None:
    """Nothing was sent to the person, whatever became of the question."""
    desk.send("1")
    (sent,) = desk.answer(desk.ask(), answer)
    assert (sent.outcome.kind, sent.outcome.reason) == (kind, reason)
    assert (sent.dispatched_at is not None) == answer.left


@pytest.mark.parametrize("read", [Outcome(Kind.UNKNOWN, reason="X"), Outcome(Kind.ACCEPTED)])
def test_no_reading_of_a_question_makes_a_message_sent_or_doubtful(
    desk: Desk, toy: AskingToy, monkeypatch: pytest.MonkeyPatch, read: Outcome
) -> None:
    monkeypatch.setattr(toy, "read_answer", Mock(return_value=read))
    desk.send("1")
    assert kinds(desk.answer(desk.ask(), answered())) == [("1", Kind.DEFERRED)]


def test_an_answer_that_breaks_its_transport_is_asked_for_again_with_the_next_try(desk: Desk, toy: AskingToy) -> None:
    desk.send("1")
    assert kinds(desk.answer(desk.ask(), answered(b"<html>"))) == [("1", Kind.DEFERRED)]


def test_what_the_vendor_disproves_is_asked_for_again_and_the_message_sent_once_more(
    desk: Desk, toy: AskingToy
) -> None:
    desk.send("1")
    desk.answer(desk.ask(), token("old"))
    ((first, _names),) = desk.out()
    assert desk.answer(first, OUTDATED) == []
    desk.answer(desk.ask(), token("new"))
    ((second, names),) = desk.out()
    assert (names, toy.built_with) == (["1"], ["old", "new"])
    assert kinds(desk.answer(second, answered())) == [("1", Kind.ACCEPTED)]


def test_what_is_disproved_twice_is_the_vendors_last_word(desk: Desk, toy: AskingToy) -> None:
    desk.send("1")
    desk.answer(desk.ask(), token("old"))
    desk.answer(desk.out()[0][0], OUTDATED)
    desk.answer(desk.ask(), token("new"))
    assert kinds(desk.answer(desk.out()[0][0], OUTDATED)) == [("1", Kind.CONFIGURATION)]
    assert desk.out() == []


def test_a_late_word_about_an_old_answer_spares_the_new_one(desk: Desk, toy: AskingToy) -> None:
    """Many messages are on the wire with a token when it ends: that is one question more, not one for each of them."""
    desk.send("1", "2", "3")
    desk.answer(desk.ask(), token("old"))
    first, second, third = (ticket for ticket, _names in desk.out())
    assert desk.answer(first, OUTDATED) == []
    question = desk.ask()
    assert desk.answer(second, OUTDATED) == []
    assert desk.out() == [], "it waits for the same question"
    desk.answer(question, token("new"))
    assert desk.sent() == [["1"], ["2"]]
    assert desk.answer(third, OUTDATED) == []
    assert desk.sent() == [["3"]]
    assert toy.built_with == ["old"] * 3 + ["new"] * 3


def test_a_transport_that_cannot_say_whether_it_is_outdated_takes_the_answer_as_it_is(
    desk: Desk, toy: AskingToy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "disproves", Mock(side_effect=ZeroDivisionError))
    desk.send("1")
    desk.answer(desk.ask(), token())
    assert kinds(desk.answer(desk.out()[0][0], answered())) == [("1", Kind.ACCEPTED)]


def test_other_credentials_and_other_providers_are_asked_for_on_their_own(desk: Desk, toy: AskingToy) -> None:
    desk.send("1", fingerprint="a")
    desk.answer(desk.ask(), token("ta"))
    assert desk.sent() == [["1"]]
    for own in ({"fingerprint": "b"}, {"provider_id": "q", "fingerprint": "a"}):
        desk.send("2", **own)
        desk.answer(desk.ask(), token("other"))
        assert desk.sent() == [["2"]]
    desk.send("3", fingerprint="a")
    assert desk.sent() == [["3"]]
    assert toy.built_with == ["ta", "other", "other", "ta"]


class Directory(AskingToy):
    """Wants the account of each number, and a token beside it."""

    def questions(self, settings: ProviderSettings, messages: Sequence[Message]) -> Sequence[Question]:
        named = [Question(message.dispatch_id, request(f"/accounts/{message.dispatch_id}")) for message in messages]
        return [*super().questions(settings, messages), *named, *named]


def test_a_group_waits_for_all_that_it_asks_and_asks_nothing_twice(
    desk: Desk, use: Callable[[AskingToy], AskingToy]
) -> None:
    use(Directory(batch_size=2))
    desk.send("1", "2")
    tickets = {ticket.question.key: ticket for ticket, _names in desk.out()}
    assert list(tickets) == ["token", "1", "2"]
    desk.answer(tickets["1"], token("one"))
    desk.answer(tickets["token"], token("t"))
    assert desk.out() == []
    desk.answer(tickets["2"], token("two", lifetime=0))
    assert desk.sent() == [["1", "2"]]


def test_one_refused_question_of_several_ends_the_group_once_all_are_answered(
    desk: Desk, use: Callable[[AskingToy], AskingToy]
) -> None:
    use(Directory())
    desk.send("1", "2")
    tickets = {ticket.question.key: ticket for ticket, _names in desk.out()}
    assert desk.answer(tickets["1"], REFUSED) == []
    assert desk.answer(tickets["2"], token("two")) == []
    assert kinds(desk.answer(tickets["token"], token())) == [("1", Kind.CONFIGURATION)]
    assert desk.sent() == [["2"]]


def test_what_was_used_longest_ago_is_forgotten_first(
    desk: Desk, use: Callable[[AskingToy], AskingToy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_KNOWN", 3)
    use(Directory())
    for name in ("1", "2", "1", "3"):
        desk.send(name)
        for ticket, _names in desk.out():
            if isinstance(ticket, Inquiry):
                desk.answer(ticket, token())
    assert [key[2] for key in desk.sender._inquiries._known] == ["1", "token", "3"]
    desk.out()
    desk.send("2")
    assert [ticket.question.key for ticket, _names in desk.out()] == ["2"]


def test_a_question_that_cannot_be_put_ends_its_message_alone(
    desk: Desk, toy: AskingToy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def questions(settings: ProviderSettings, messages: Sequence[Message]) -> Sequence[Question]:
        if messages[0].dispatch_id == "1":
            raise KeyError("service_account")
        return AskingToy.questions(toy, settings, messages)

    monkeypatch.setattr(toy, "questions", questions)
    assert kinds(desk.send("1", "2")) == [("1", Kind.REJECTED)]
    desk.answer(desk.ask(), token())
    assert desk.sent() == [["2"]]


def test_what_was_learnt_is_never_shown(desk: Desk, toy: AskingToy) -> None:
    desk.send("1")
    ticket = desk.ask()
    known = toy.read_answer(ticket.settings, ticket.question, token("canary-9f2"))
    assert "canary" not in repr(known)
    assert json.loads(token("canary-9f2").body)["token"] == "canary-9f2"
