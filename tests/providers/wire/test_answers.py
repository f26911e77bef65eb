"""What a complete answer looks like, and the bounds on what a vendor may make us hold."""

from __future__ import annotations

import time
from email.utils import formatdate

import msgspec
import pytest

from providers.wire import Wire
from tests.providers.wire.hostile import OK, Hostile, Peer, Script, collect, exchange, request_to


def test_status_body_and_time_of_an_answer_arrive(wire: Wire) -> None:
    with Hostile() as vendor:
        answer = exchange(wire, request_to(vendor.url()))
    assert (answer.status, answer.body, answer.complete, answer.left, answer.error) == (200, OK, True, True, None)
    assert 0 < answer.elapsed_ms < 5_000


def test_the_request_arrives_as_it_was_built(wire: Wire) -> None:
    with Hostile() as vendor:
        exchange(wire, request_to(vendor.url("/mcp/x"), body="olá".encode(), headers=["Idempotency-Key: k-1"]))
        (request,) = vendor.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /mcp/x HTTP/1.1"
    assert b"Idempotency-Key: k-1" in lines
    assert b"Content-Length: 4" in lines
    assert not any(line.lower().startswith(b"expect") for line in lines)
    assert body == "olá".encode()


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 1_500_000])
def test_bodies_of_any_size_arrive_whole(wire: Wire, size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    with Hostile() as vendor:
        assert exchange(wire, request_to(vendor.url(), body=body)).status == 200
        assert vendor.requests[0].partition(b"\r\n\r\n")[2] == body


def test_one_handle_carries_different_requests_without_mixing_them(wire: Wire) -> None:
    def echoes(peer: Peer) -> None:
        while True:
            peer.answer(200, peer.read_request().partition(b"\r\n\r\n")[2])

    with Hostile(echoes) as vendor:
        for size in (5, 70_000, 3, 9, 9, 0, 12):
            body = b"y" * size
            request = request_to(vendor.url(f"/{size}"), body=body, method="PUT", max_answer_bytes=100_000)
            assert exchange(wire, request).body == body


@pytest.mark.parametrize(
    ("method", "body"), [("PUT", b"x"), ("PATCH", b"x"), ("GET", b""), ("DELETE", b""), ("HEAD", b"")]
)
def test_other_methods_go_out_as_named(wire: Wire, method: str, body: bytes) -> None:
    def answers_empty(peer: Peer) -> None:
        peer.read_request()
        peer.answer(200, b"")

    with Hostile(answers_empty) as vendor:
        assert exchange(wire, request_to(vendor.url(), method=method, body=body)).status == 200
        assert vendor.requests[0].startswith(method.encode() + b" /send ")


def test_keep_alive_connections_are_used_again(wire: Wire) -> None:
    with Hostile() as vendor:
        for _ in range(5):
            exchange(wire, request_to(vendor.url()))
        assert len(vendor.peers) == 1


@pytest.mark.parametrize("wants_headers", [False, True])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_both_forms_of_retry_after_arrive_as_seconds(wire: Wire, form: str, wants_headers: bool) -> None:
    def limits(peer: Peer) -> None:
        peer.read_request()
        asked = "90" if form == "seconds" else formatdate(time.time() + 90, usegmt=True)
        peer.answer(429, b"{}", f"Retry-After: {asked}", "Content-Type: application/json")

    with Hostile(limits) as vendor:
        request = msgspec.structs.replace(request_to(vendor.url()), wants_headers=wants_headers)
        answer = exchange(wire, request)
    assert answer.status == 429
    assert 60 <= float(answer.headers["retry-after"]) <= 90
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors_are_complete_answers_with_their_body(wire: Wire, status: int) -> None:
    def fails(peer: Peer) -> None:
        peer.read_request()
        peer.answer(status, b"<html>down</html>", "Content-Type: text/html")

    with Hostile(fails) as vendor:
        answer = exchange(wire, request_to(vendor.url()))
    assert (answer.status, answer.complete, answer.body) == (status, True, b"<html>down</html>")
    assert answer.headers["content-type"] == "text/html"


def test_a_redirect_is_an_answer_and_is_not_followed(wire: Wire) -> None:
    with Hostile() as elsewhere:

        def redirects(peer: Peer) -> None:
            peer.read_request()
            peer.answer(307, b"", f"Location: {elsewhere.url()}")

        with Hostile(redirects) as vendor:
            assert exchange(wire, request_to(vendor.url())).status == 307
        assert not elsewhere.peers


def test_all_headers_come_where_they_are_asked_for(wire: Wire) -> None:
    def replies(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
        peer.answer(202, b"", "X-Message-Id:  abc ", "X-Twice: 1", "x-twice: 2")

    with Hostile(replies) as vendor:
        answer = exchange(wire, request_to(vendor.url(), wants_headers=True))
        assert answer.headers == {"content-length": "0", "x-message-id": "abc", "x-twice": "2"}
        plain = exchange(wire, request_to(vendor.url()))
    assert dict(plain.headers) == {}


def sends_for_ever(head: bytes, chunk: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(head)
        while True:
            peer.send(chunk)

    return script


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"


@pytest.mark.parametrize(
    ("head", "chunk"),
    [
        (CHUNKED, CHUNK),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 4096),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 4096),
    ],
    ids=["chunked", "declared", "until_close"],
)
def test_a_huge_answer_is_cut_off_and_unknown(wire: Wire, head: bytes, chunk: bytes) -> None:
    with Hostile(sends_for_ever(head, chunk)) as vendor:
        answer = exchange(wire, request_to(vendor.url(), max_answer_bytes=10_000))
    assert (answer.error, answer.left, answer.complete, answer.status) == ("too_large", True, False, 0)
    assert len(answer.body) <= 10_000


def test_an_answer_of_just_the_allowed_size_is_complete(wire: Wire) -> None:
    def fills(peer: Peer) -> None:
        peer.read_request()
        peer.answer(200, b"x" * 10_000)

    with Hostile(fills) as vendor:
        answer = exchange(wire, request_to(vendor.url(), max_answer_bytes=10_000))
    assert answer.complete
    assert len(answer.body) == 10_000


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX-Endless: "],
    ids=["lines", "one_line"],
)
def test_endless_headers_end(wire: Wire, head: bytes) -> None:
    chunk = b"X-More: " + b"y" * 4000 + b"\r\n" if head.endswith(b"\r\n") else b"y" * 4096
    with Hostile(sends_for_ever(head, chunk)) as vendor:
        for wants_headers in (False, True):
            answer = exchange(wire, request_to(vendor.url(), timeout_ms=15_000, wants_headers=wants_headers))
            assert answer.left
            assert not answer.complete
            assert answer.error != "timeout"
            assert answer.elapsed_ms < 10_000


def test_endless_interim_answers_end(wire: Wire) -> None:
    with Hostile(sends_for_ever(b"", b"HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n" * 50)) as vendor:
        answer = exchange(wire, request_to(vendor.url(), timeout_ms=3_000))
    assert answer.left
    assert not answer.complete


def test_a_slow_drip_ends_at_the_total_time_out(wire: Wire) -> None:
    def drips(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            peer.send(b".")
            time.sleep(0.05)

    with Hostile(drips) as vendor:
        answer = exchange(wire, request_to(vendor.url(), timeout_ms=500))
    assert (answer.error, answer.left) == ("timeout", True)
    assert 450 <= answer.elapsed_ms <= 3_000


def test_answers_are_handed_out_as_they_come_not_as_they_were_asked_for(wire: Wire) -> None:
    def takes_its_time(peer: Peer) -> None:
        request = peer.read_request()
        time.sleep(0.4 if b"slow" in request else 0)
        peer.answer()

    with Hostile(takes_its_time) as vendor:
        for token in ("slow", "quick"):
            wire.submit(token, "lane", 2, request_to(vendor.url(f"/{token}")), 1e12)
        assert [token for token, _answer in collect(wire, 2)] == ["quick", "slow"]
