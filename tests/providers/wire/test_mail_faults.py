"""Mail servers that refuse, hang or break off at every point: what is answered, what is unknown, what never left."""

from __future__ import annotations

import time

import pytest

from providers.messages import WireAnswer
from providers.outcomes import Kind, outcome_of_incomplete
from providers.wire import Wire, boottime
from tests.providers.wire.hostile import Hostile, Peer, collect, exchange, request_to
from tests.providers.wire.mail import (
    PASSWORD,
    USERNAME,
    Answer,
    Dialogue,
    closes,
    hangs,
    mail_to,
    resets,
    says_half,
)

REFUSALS = ["421 4.3.2 closing", "451 4.7.1 Greylisted", "550-5.1.1 No\r\n550 5.1.1 such user", "554 5.7.1 Spam"]


def local(server: Hostile) -> str:
    return f"smtp://127.0.0.1:{server.port}"


def assert_refused(answer: WireAnswer, reply: str, stage: str) -> None:
    assert (answer.status, answer.complete, answer.left, answer.error) == (int(reply[:3]), True, True, None)
    assert answer.body == reply.encode() + b"\r\n"
    assert answer.headers["smtp-stage"] == stage


def assert_unknown(answer: WireAnswer) -> None:
    assert (answer.complete, answer.left, answer.status) == (False, True, 0)
    assert outcome_of_incomplete(answer).kind is Kind.UNKNOWN


def assert_not_sent(answer: WireAnswer) -> None:
    assert (answer.complete, answer.left, answer.status) == (False, False, 0)
    assert outcome_of_incomplete(answer).kind is Kind.NOT_SENT


@pytest.mark.parametrize("reply", REFUSALS)
@pytest.mark.parametrize(
    ("verb", "stage"),
    [("greeting", "connect"), ("mail", "mail"), ("rcpt", "rcpt"), ("data", "data"), ("end", "message")],
)
def test_a_refusal_at_any_command_is_an_answer(wire: Wire, verb: str, stage: str, reply: str) -> None:
    with Hostile(Dialogue(**{verb: reply})) as server:
        assert_refused(exchange(wire, mail_to(local(server))), reply, stage)


@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "421 4.3.2 closing"])
def test_the_reply_to_the_good_bye_is_not_taken_for_the_reply_to_the_message(wire: Wire, reply: str) -> None:
    for quit_reply in ("221 Bye", "550 What?", "421 no", "250 Ok"):
        with Hostile(Dialogue(rcpt=reply, quit=quit_reply)) as server:
            assert_refused(exchange(wire, mail_to(local(server))), reply, "rcpt")


def test_what_follows_a_refusal_gets_a_connection_that_works(wire: Wire) -> None:
    with Hostile(Dialogue(rcpt="550 5.1.1 No such user"), Dialogue()) as server:
        assert exchange(wire, mail_to(local(server))).status == 550
        assert exchange(wire, mail_to(local(server))).status == 250


def test_any_success_after_the_dot_counts(wire: Wire) -> None:
    with Hostile(Dialogue(end="251 2.1.5 Forwarded")) as server:
        answer = exchange(wire, mail_to(local(server)))
    assert (answer.status, answer.complete, answer.body) == (251, True, b"251 2.1.5 Forwarded\r\n")


@pytest.mark.parametrize("fault", [resets, closes, says_half])
@pytest.mark.parametrize("verb", ["greeting", "ehlo", "mail", "rcpt", "data"])
def test_a_connection_lost_before_the_message_has_sent_nothing(wire: Wire, verb: str, fault: Answer) -> None:
    with Hostile(Dialogue(**{verb: fault})) as server:
        assert_not_sent(exchange(wire, mail_to(local(server))))


@pytest.mark.parametrize("fault", [resets, closes, says_half])
def test_a_connection_lost_after_the_dot_is_unknown_and_the_message_was_sent_once(wire: Wire, fault: Answer) -> None:
    dialogue = Dialogue(end=fault)
    with Hostile(dialogue) as server:
        assert_unknown(exchange(wire, mail_to(local(server))))
        assert exchange(wire, mail_to(local(server))).left
    assert len(dialogue.messages) == 2


def test_a_reset_in_the_middle_of_a_message_is_unknown(wire: Wire) -> None:
    def goes_on_and_resets(peer: Peer) -> None:
        peer.send(b"354 Go ahead\r\n")
        peer.connection.recv(1000)
        resets(peer)

    with Hostile(Dialogue(data=goes_on_and_resets)) as server:
        assert_unknown(exchange(wire, mail_to(local(server), body=b"x" * 70 + b"\r\n" * 3_000_000)))


@pytest.mark.parametrize("verb", ["greeting", "ehlo", "mail", "rcpt", "data"])
def test_silence_before_the_message_has_sent_nothing(wire: Wire, verb: str) -> None:
    with Hostile(Dialogue(**{verb: hangs})) as server:
        answer = exchange(wire, mail_to(local(server), timeout_ms=400))
    assert_not_sent(answer)
    assert answer.error == "timeout"


def test_silence_after_the_dot_is_unknown_at_the_time_out(wire: Wire) -> None:
    with Hostile(Dialogue(end=hangs)) as server:
        answer = exchange(wire, mail_to(local(server), timeout_ms=400))
    assert_unknown(answer)
    assert answer.error == "timeout"
    assert 350 < answer.elapsed_ms < 3_000


def test_what_follows_a_silence_after_the_dot_does_not_wait_for_it_nor_take_its_reply(wire: Wire) -> None:
    def replies_late(_peer: Peer) -> str:
        time.sleep(0.6)
        return "250 2.0.0 Ok: queued as LATE"

    for fault in (hangs, replies_late):
        second = Dialogue()
        with Hostile(Dialogue(end=fault), second) as server:
            assert_unknown(exchange(wire, mail_to(local(server), timeout_ms=400)))
            assert exchange(wire, mail_to(local(server), timeout_ms=2_000)).body.endswith(b"queued as Q1\r\n")
        assert len(second.messages) == 1


@pytest.mark.parametrize("verb", ["greeting", "mail", "end", "quit"])
def test_a_silent_mail_server_holds_up_nobody_else(wire: Wire, verb: str) -> None:
    """libcurl waits for the reply to a message, and to its good-bye, inside its own code."""
    refusal = {"rcpt": "550 5.1.1 No"} if verb == "quit" else {}
    with Hostile(Dialogue(**{verb: hangs}, **refusal)) as silent, Hostile(Dialogue()) as quick, Hostile() as web:
        for number in range(3):
            wire.submit(f"silent {number}", "silent", 3, mail_to(local(silent), timeout_ms=3_000), boottime() + 60)
        wire.poll(0.2)
        start = time.monotonic()
        for number in range(10):
            wire.submit(f"mail {number}", "quick", 2, mail_to(local(quick)), boottime() + 60)
            wire.submit(f"web {number}", "web", 2, request_to(web.url()), boottime() + 60)
        answered = collect(wire, 20 + (3 if verb == "quit" else 0))
        took = time.monotonic() - start
        assert all(answer.complete for _token, answer in answered)
        assert took < (2.5 if verb == "quit" else 1.0)


def test_a_connection_that_was_ended_meanwhile_costs_nothing(wire: Wire) -> None:
    """Ended by the server after a message, with or without a word: the next message goes over another connection."""

    def says_good_bye(peer: Peer) -> None:
        peer.send(b"250 2.0.0 Ok\r\n421 4.4.2 Idle too long\r\n")
        raise ConnectionError("closed")

    def leaves(peer: Peer) -> None:
        peer.send(b"250 2.0.0 Ok\r\n")
        raise ConnectionError("closed")

    for fault in (says_good_bye, leaves):
        for pause in (0.0, 0.1, 1.2):
            with Hostile(Dialogue(end=fault), Dialogue()) as server:
                assert exchange(wire, mail_to(local(server))).status == 250
                time.sleep(pause)
                assert exchange(wire, mail_to(local(server))).status == 250
                assert len(server.peers) == 2


@pytest.mark.parametrize("verb", ["mail", "rcpt", "data"])
def test_a_connection_that_ends_when_it_is_used_again_costs_nothing(wire: Wire, verb: str) -> None:
    said: list[str] = []

    def ends_the_second_time(_peer: Peer) -> str:
        if said:
            raise ConnectionError("closed")
        said.append("354 Go ahead" if verb == "data" else "250 2.1.0 Ok")
        return said[0]

    first, second = Dialogue(**{verb: ends_the_second_time}), Dialogue()
    with Hostile(first, second) as server:
        assert exchange(wire, mail_to(local(server))).status == 250
        assert exchange(wire, mail_to(local(server))).status == 250
        assert (len(first.messages), len(second.messages)) == (1, 1)


def test_no_message_begins_to_leave_after_its_deadline() -> None:
    readings = iter([0.0])
    wire = Wire(allow_private=True, clock=lambda: next(readings, 100.0))
    dialogue = Dialogue()
    with Hostile(dialogue) as server:
        wire.submit("late", "mail", 1, mail_to(local(server)), 50.0)
        ((_token, answer),) = collect(wire, 1)
        wire.close()
        assert dialogue.messages == []
    assert (answer.error, answer.left, answer.complete) == ("deadline", False, False)


def test_a_courier_that_was_late_is_fit_for_the_next_message() -> None:
    readings = iter([0.0, 100.0])
    wire = Wire(allow_private=True, clock=lambda: next(readings, 0.0))
    with Hostile(Dialogue()) as server:
        wire.submit("late", "mail", 1, mail_to(local(server)), 50.0)
        assert collect(wire, 1)[0][1].error == "deadline"
        wire.submit("good", "mail", 1, mail_to(local(server)), 50.0)
        assert collect(wire, 1)[0][1].status == 250
    wire.close()


def test_endless_replies_end(wire: Wire) -> None:
    def never_ends(peer: Peer) -> None:
        while True:
            peer.send(b"250-more and more and more\r\n" * 100)

    for verb, left in (("ehlo", False), ("end", True)):
        with Hostile(Dialogue(**{verb: never_ends})) as server:
            answer = exchange(wire, mail_to(local(server), max_answer_bytes=10_000))
        assert (answer.error, answer.complete, answer.left) == ("too_large", False, left)


def test_a_server_that_speaks_no_smtp_gets_nothing(wire: Wire) -> None:
    with Hostile(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        assert_not_sent(exchange(wire, mail_to(local(server))))


def test_nothing_of_a_login_is_shown(wire: Wire) -> None:
    request = mail_to("smtp://127.0.0.1:1", username=USERNAME, password=PASSWORD)
    assert PASSWORD not in repr(request) + repr(exchange(wire, request))


def test_closing_ends_what_has_not_begun() -> None:
    def takes_its_time(_peer: Peer) -> str:
        time.sleep(0.4)
        return "250 Ok"

    wire = Wire(allow_private=True)
    dialogue = Dialogue(mail=takes_its_time)
    with Hostile(dialogue) as server:
        wire.submit("slow", "mail", 1, mail_to(local(server)), boottime() + 60)
        wire.poll(0.2)
        wire.close()
        time.sleep(0.6)
        assert dialogue.messages == []
        assert any(command.startswith("MAIL") for command in dialogue.commands)
