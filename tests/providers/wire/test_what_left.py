"""The line between "it never left" and "nobody knows", against vendors that break off at every point."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from providers.messages import WireAnswer
from providers.outcomes import Kind, outcome_of_incomplete
from providers.wire import Wire
from tests.providers.wire.hostile import Hostile, Peer, exchange, request_to


def assert_unknown(answer: WireAnswer, error: str) -> None:
    assert (answer.complete, answer.left, answer.status, answer.error) == (False, True, 0, error)
    assert outcome_of_incomplete(answer).kind is Kind.UNKNOWN


def assert_not_sent(answer: WireAnswer, error: str) -> None:
    assert (answer.complete, answer.left, answer.status, answer.error) == (False, False, 0, error)
    assert outcome_of_incomplete(answer).kind is Kind.NOT_SENT


def reads_and_closes(peer: Peer) -> None:
    peer.read_request()


def closes_after_first(peer: Peer) -> None:
    peer.read_request()
    peer.answer()
    peer.read_request()


def test_a_reused_connection_closed_without_an_answer_is_unknown_and_sent_once(wire: Wire) -> None:
    with Hostile(closes_after_first) as vendor:
        assert exchange(wire, request_to(vendor.url(), body=b'"first"')).status == 200
        answer = exchange(wire, request_to(vendor.url(), body=b'"second"'))
        bodies = [request.rpartition(b"\r\n\r\n")[2] for request in vendor.requests]
        connections = len(vendor.peers)
    assert_unknown(answer, "closed")
    assert bodies == [b'"first"', b'"second"']
    assert len(vendor.peers[0].requests) == 2, "the second request must have reused the connection"
    assert connections <= 2


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_request_without_a_body_never_uses_a_connection_that_was_used_before(wire: Wire, method: str) -> None:
    with Hostile(closes_after_first) as vendor:
        assert exchange(wire, request_to(vendor.url())).status == 200
        assert exchange(wire, request_to(vendor.url(), method=method, body=b"")).status == 200
        assert [len(peer.requests) for peer in vendor.peers] == [1, 1]
        assert vendor.peers[1].requests[0].startswith(method.encode())


def test_a_request_without_a_body_is_sent_once_where_the_vendor_closes(wire: Wire) -> None:
    with Hostile(reads_and_closes) as vendor:
        answer = exchange(wire, request_to(vendor.url(), method="GET", body=b""))
        assert len(vendor.requests) == 1
    assert_unknown(answer, "empty")


def test_a_new_connection_closed_without_an_answer_is_unknown(wire: Wire) -> None:
    with Hostile(reads_and_closes) as vendor:
        answer = exchange(wire, request_to(vendor.url()))
        assert len(vendor.requests) == 1
    assert_unknown(answer, "empty")


def reads_nothing(peer: Peer) -> None:
    peer.hold()


def reads_and_hangs(peer: Peer) -> None:
    peer.read_request()
    peer.hold()


@pytest.mark.parametrize("script", [reads_nothing, reads_and_hangs])
def test_silence_is_unknown_after_the_time_out(wire: Wire, script: Callable[[Peer], None]) -> None:
    with Hostile(script) as vendor:
        answer = exchange(wire, request_to(vendor.url(), timeout_ms=300))
    assert_unknown(answer, "timeout")
    assert 250 <= answer.elapsed_ms <= 3_000


def resets_mid_request(peer: Peer) -> None:
    peer.read_head()
    peer.reset()


def test_a_reset_in_the_middle_of_a_large_body_is_unknown(wire: Wire) -> None:
    with Hostile(resets_mid_request) as vendor:
        answer = exchange(wire, request_to(vendor.url(), body=b"x" * 20_000_000))
    assert_unknown(answer, "reset")


def resets_mid_answer(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of")
    peer.reset()


def test_a_reset_in_the_middle_of_the_answer_is_unknown(wire: Wire) -> None:
    with Hostile(resets_mid_answer) as vendor:
        answer = exchange(wire, request_to(vendor.url()))
    assert not answer.complete
    assert answer.left
    assert answer.error in {"reset", "partial", "empty"}


def answers_half(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")


def test_a_partial_answer_is_unknown_whatever_its_status_said(wire: Wire) -> None:
    with Hostile(answers_half) as vendor:
        answer = exchange(wire, request_to(vendor.url()))
    assert_unknown(answer, "partial")
    assert answer.body == b"half of it"


def answers_half_a_chunk(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n10\r\nxyz")


def test_a_chunked_answer_without_its_end_is_unknown(wire: Wire) -> None:
    with Hostile(answers_half_a_chunk) as vendor:
        answer = exchange(wire, request_to(vendor.url()))
    assert answer.left
    assert not answer.complete


def test_a_refused_connection_is_not_sent(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert_not_sent(exchange(wire, request_to(f"http://127.0.0.1:{port}/")), "connect")


def test_a_connection_that_nobody_takes_is_not_sent_after_its_own_time_out(wire: Wire) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        answer = exchange(wire, request_to(f"http://127.0.0.1:{address[1]}/", connect_timeout_ms=300))
        for filler in fillers:
            filler.close()
    assert_not_sent(answer, "timeout")
    assert answer.elapsed_ms < 3_000


def test_a_name_that_does_not_exist_is_not_sent(wire: Wire) -> None:
    assert_not_sent(exchange(wire, request_to("http://there-is-no-such-host.invalid/")), "dns")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "http://",
        "nothing",
        "http://[::1/",
        "http://a b/",
    ],
)
def test_what_is_no_http_address_is_not_sent(wire: Wire, url: str) -> None:
    assert_not_sent(exchange(wire, request_to(url)), "invalid")


@pytest.mark.parametrize("header", ["X-Evil: a\r\nX-More: b", "X-Evil: a\nb", "X-Evil: \x00", "X-Evil: olá"])
def test_a_header_that_could_begin_another_line_is_not_sent(wire: Wire, header: str) -> None:
    with Hostile() as vendor:
        assert_not_sent(exchange(wire, request_to(vendor.url(), headers=[header])), "invalid")
        assert exchange(wire, request_to(vendor.url())).status == 200, "the handle must still be fit for use"


def test_a_broken_answer_to_a_request_that_left_is_unknown(wire: Wire) -> None:
    def speaks_something_else(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"220 mail.example.com ESMTP\r\n")

    with Hostile(speaks_something_else) as vendor:
        assert_unknown(exchange(wire, request_to(vendor.url())), "protocol")
