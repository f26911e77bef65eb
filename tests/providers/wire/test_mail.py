"""E-mail over the wire, with a real mail server: encryption, login, addresses, connections used again, bodies whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.messages import WireAnswer
from providers.wire import Wire, boottime, couriers, letters
from tests.providers.wire.certificates import Certificate
from tests.providers.wire.hostile import Hostile, collect, exchange
from tests.providers.wire.mail import MESSAGE, PASSWORD, USERNAME, Dialogue, Office, hangs, mail_to, office

NAME = "mx.example.com"


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, NAME)


@pytest.fixture
def trusting(certificate: Certificate) -> Iterator[Wire]:
    wire = Wire(allow_private=True, ca_file=str(certificate.file), resolve=lambda _host: ["127.0.0.1"])
    yield wire
    wire.close()


def local(port: int) -> str:
    return f"smtp://127.0.0.1:{port}"


def assert_taken(answer: WireAnswer) -> None:
    assert (answer.status, answer.complete, answer.left, answer.error) == (250, True, True, None), answer.detail


def test_a_message_arrives_as_it_was_built_and_the_reply_comes_back(wire: Wire) -> None:
    with office(post := Office()) as port:
        answer = exchange(wire, mail_to(local(port)))
    assert_taken(answer)
    assert answer.body == b"250 2.0.0 Ok: queued as q-1\r\n"
    assert 0 < answer.elapsed_ms < 5_000
    (envelope,) = post.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bounce@brand.com", ["ana@example.com"])
    assert envelope.content == MESSAGE
    assert f"SIZE={len(MESSAGE)}" in envelope.mail_options


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 200_001])
def test_messages_of_any_size_arrive_whole(wire: Wire, size: int) -> None:
    body = (b"\r\n".join([b"." * 60] * (size // 62 + 1)))[:size].rstrip(b"\r\n") + b"\r\n"
    with office(post := Office()) as port:
        assert_taken(exchange(wire, mail_to(local(port), body=body)))
    assert post.received[0].content == body


def test_starttls_and_a_login_come_before_the_message(trusting: Wire, certificate: Certificate) -> None:
    with office(post := Office(), tls=certificate.server_context()) as port:
        url = f"smtp://{NAME}:{port}/brand.com"
        request = mail_to(url, starttls=True, username=USERNAME, password=PASSWORD)
        assert_taken(exchange(trusting, request))
    (session,) = post.sessions
    assert session.ssl is not None
    assert session.authenticated
    assert session.host_name == "brand.com"


def test_tls_from_the_first_byte(trusting: Wire, certificate: Certificate) -> None:
    with office(post := Office(), tls=certificate.server_context(), implicit=True) as port:
        assert_taken(exchange(trusting, mail_to(f"smtps://{NAME}:{port}", username=USERNAME, password=PASSWORD)))
        assert post.sessions[0].authenticated


def test_a_wrong_login_is_an_answer_with_its_code(trusting: Wire, certificate: Certificate) -> None:
    with office(post := Office(), tls=certificate.server_context()) as port:
        request = mail_to(f"smtp://{NAME}:{port}", starttls=True, username=USERNAME, password="wrong-one")
        answer = exchange(trusting, request)
    assert (answer.status, answer.complete, answer.headers["smtp-stage"]) == (535, True, "auth")
    assert not post.received


def test_a_certificate_that_nobody_vouches_for_gets_no_login_and_no_message(certificate: Certificate) -> None:
    for implicit in (False, True):
        with office(post := Office(), tls=certificate.server_context(), implicit=implicit) as port:
            wire = Wire(allow_private=True)
            scheme = "smtps" if implicit else "smtp"
            request = mail_to(f"{scheme}://127.0.0.1:{port}", starttls=True, username=USERNAME, password=PASSWORD)
            answer = exchange(wire, request)
            wire.close()
        assert (answer.error, answer.left, answer.complete) == ("tls", False, False)
        assert not post.received


def test_a_server_without_starttls_gets_nothing_where_it_is_demanded(wire: Wire) -> None:
    with office(post := Office()) as port:
        answer = exchange(wire, mail_to(local(port), starttls=True, username=USERNAME, password=PASSWORD))
    assert (answer.error, answer.left, answer.complete) == ("tls", False, False)
    assert not post.received


def test_an_older_tls_than_the_minimum_is_refused(certificate: Certificate) -> None:
    context = certificate.server_context()
    context.maximum_version = context.maximum_version.TLSv1_2
    with office(Office(), tls=context, implicit=True) as port:
        for min_tls, expected in (("1.2", (250, None)), ("1.3", (0, "tls"))):
            wire = Wire(allow_private=True, ca_file=str(certificate.file), min_tls=min_tls)
            answer = exchange(wire, mail_to(f"smtps://127.0.0.1:{port}"))
            wire.close()
            assert (answer.status, answer.error) == expected


def test_a_connection_and_its_login_are_used_again(trusting: Wire, certificate: Certificate) -> None:
    with office(post := Office(), tls=certificate.server_context()) as port:
        for _ in range(5):
            url = f"smtp://{NAME}:{port}"
            assert_taken(exchange(trusting, mail_to(url, starttls=True, username=USERNAME, password=PASSWORD)))
        assert len({session.peer for session in post.sessions}) == 1


def test_a_message_that_is_refused_after_its_dot_costs_no_connection(wire: Wire) -> None:
    with office(post := Office(data="550 5.7.1 No thanks")) as port:
        for _ in range(3):
            answer = exchange(wire, mail_to(local(port)))
            assert (answer.status, answer.headers["smtp-stage"]) == (550, "message")
        assert len({session.peer for session in post.sessions}) == 1


def test_a_connection_carries_no_more_messages_than_servers_like(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "MAX_MESSAGES", 3)
    with office(post := Office()) as port:
        for _ in range(7):
            assert_taken(exchange(wire, mail_to(local(port))))
        peers = [session.peer for session in post.sessions]
    assert len(set(peers)) == 3
    assert peers[0] == peers[2] != peers[3] == peers[5] != peers[6]


def test_another_login_gets_another_connection(trusting: Wire, certificate: Certificate) -> None:
    with office(post := Office(), tls=certificate.server_context()) as port:
        url = f"smtp://{NAME}:{port}"
        assert_taken(exchange(trusting, mail_to(url, starttls=True, username=USERNAME, password=PASSWORD)))
        answer = exchange(trusting, mail_to(url, starttls=True, username="other", password="another-one"))
        assert answer.status == 535
        assert_taken(exchange(trusting, mail_to(url, starttls=True, username=USERNAME, password=PASSWORD)))
    assert len(post.received) == 2


def test_many_go_out_at_once_and_never_more_than_the_lane_allows(wire: Wire) -> None:
    with office(post := Office()) as port:
        for number in range(60):
            wire.submit(number, "mail", 4, mail_to(local(port)), boottime() + 60)
        most = 0
        answered: list[tuple[object, WireAnswer]] = []
        end = time.monotonic() + 20
        while len(answered) < 60 and time.monotonic() < end:
            answered += wire.poll(0.2)
            most = max(most, wire.in_flight)
        assert sorted(token for token, _answer in answered) == list(range(60))  # type: ignore[type-var]  # ints
        for _token, answer in answered:
            assert_taken(answer)
        assert most <= 4
        assert len({session.peer for session in post.sessions}) <= 4
        assert (wire.in_flight, wire.queued) == (0, 0)


def test_health_is_asked_without_a_message(trusting: Wire, certificate: Certificate) -> None:
    with office(post := Office(), tls=certificate.server_context()) as port:
        url = f"smtp://{NAME}:{port}"
        for password, status in ((PASSWORD, 250), ("wrong-one", 535), (PASSWORD, 250)):
            request = mail_to(url, starttls=True, username=USERNAME, password=password, body=b"", method="NOOP")
            assert exchange(trusting, request).status == status
            assert_taken(exchange(trusting, mail_to(url, starttls=True, username=USERNAME, password=PASSWORD)))
        assert len(post.received) == 3


def test_private_addresses_are_refused_as_for_http(strict_wire: Wire) -> None:
    with office(post := Office()) as port:
        answer = exchange(strict_wire, mail_to(local(port)))
        assert (answer.error, answer.left) == ("refused_address", False)
        assert not post.received


def test_names_are_looked_up_as_for_http() -> None:
    wire = Wire(allow_private=True, resolve=lambda host: ["127.0.0.1"] if host == NAME else [])
    with office(Office()) as port:
        assert_taken(exchange(wire, mail_to(f"smtp://{NAME}:{port}")))
        answer = exchange(wire, mail_to(f"smtp://nowhere.example.com:{port}"))
    wire.close()
    assert (answer.error, answer.left) == ("dns", False)


@pytest.mark.parametrize("address", ["a@b.com> SIZE=1", "a@b.com\r\nRSET", "ána@example.com", "<a@b.com>", "a b@c.com"])
def test_an_address_that_could_begin_another_command_goes_nowhere(wire: Wire, address: str) -> None:
    with office(post := Office()) as port:
        for envelope in ({"sender": address}, {"recipient": address}):
            answer = exchange(wire, mail_to(local(port), **envelope))  # type: ignore[arg-type]  # one of the two
            assert (answer.error, answer.left, answer.complete) == ("invalid", False, False)
        assert_taken(exchange(wire, mail_to(local(port))))
    assert len(post.received) == 1


def test_mail_does_not_go_over_http_nor_http_over_mail(wire: Wire) -> None:
    with Hostile() as vendor:
        answer = exchange(wire, mail_to(vendor.url()))
        assert not vendor.requests
    assert (answer.left, answer.complete) == (False, False)


def test_couriers_without_work_say_good_bye_and_end(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couriers, "IDLE_SECONDS", 0.2)
    dialogue = Dialogue()
    with Hostile(dialogue) as server:
        assert_taken(exchange(wire, mail_to(local(server.port))))
        assert any(thread.name == "wire-mail" for thread in threading.enumerate())
        end = time.monotonic() + 10
        while time.monotonic() < end and "QUIT" not in dialogue.commands:
            wire.poll(0.1)
        assert dialogue.commands[-1] == "QUIT"
        assert_taken(exchange(wire, mail_to(local(server.port))))


def test_more_couriers_than_allowed_leave_the_rest_unsent(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couriers, "MAX_COURIERS", 2)
    with Hostile(Dialogue(end=hangs)) as silent:
        for number in range(3):
            wire.submit(number, "mail", 3, mail_to(local(silent.port), timeout_ms=600), boottime() + 60)
        answers = dict(collect(wire, 3))
    assert [(answers[number].left, answers[number].error) for number in range(3)] == [
        (True, "timeout"),
        (True, "timeout"),
        (False, "connect"),
    ]
