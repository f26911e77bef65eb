"""poll(), wake() and close(): what the thread that owns the wire relies on."""

from __future__ import annotations

import gc
import io
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from providers.wire import Wire, boottime, sockets
from tests.providers.wire.hostile import Hostile, Peer, collect, exchange, request_to


def hangs(peer: Peer) -> None:
    peer.read_request()
    peer.hold()


def test_poll_returns_empty_handed_after_its_time_out(wire: Wire) -> None:
    start = time.monotonic()
    assert wire.poll(0.2) == []
    assert 0.15 <= time.monotonic() - start < 1.0


def test_wake_ends_a_poll_from_another_thread(wire: Wire) -> None:
    threading.Timer(0.2, wire.wake).start()
    start = time.monotonic()
    assert wire.poll(10.0) == []
    assert time.monotonic() - start < 2.0


def test_a_wake_before_the_poll_is_not_lost_and_wakes_once(wire: Wire) -> None:
    wire.wake()
    wire.wake()
    start = time.monotonic()
    wire.poll(10.0)
    assert time.monotonic() - start < 1.0
    wire.poll(0.2)
    assert time.monotonic() - start >= 0.2


def test_wake_works_while_transfers_are_under_way(wire: Wire) -> None:
    with Hostile(hangs) as vendor:
        wire.submit(1, "lane", 1, request_to(vendor.url(), timeout_ms=5_000), boottime() + 60)
        wire.poll(0.1)
        threading.Timer(0.2, wire.wake).start()
        start = time.monotonic()
        assert wire.poll(10.0) == []
        assert time.monotonic() - start < 2.0


def test_waiting_costs_no_processor_time(wire: Wire) -> None:
    """Also with idle connections that the vendor has closed, which stay readable for ever."""

    def answers_once(peer: Peer) -> None:
        peer.read_request()
        peer.answer()

    with Hostile(answers_once) as vendor:
        for number in range(8):
            wire.submit(number, "lane", 8, request_to(vendor.url()), boottime() + 60)
        collect(wire, 8)
        time.sleep(0.1)
        before = time.process_time()
        assert wire.poll(1.0) == []
        assert time.process_time() - before < 0.2


def answers_then(*last_words: bytes) -> Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.answer()
        for words in last_words:
            peer.send(words)

    return script


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("script", [answers_then(), answers_then(TIMED_OUT)], ids=["closed", "said 408 and closed"])
def test_a_connection_that_the_vendor_ended_while_idle_is_not_used(wire: Wire, script: Callable[[Peer], None]) -> None:
    """libcurl takes one that was used within the last second for alive: every one of these would be unknown."""
    with Hostile(script) as vendor:
        for _ in range(3):
            assert exchange(wire, request_to(vendor.url())).status == 200
            time.sleep(0.05)
        assert len(vendor.requests) == 3


def test_many_connections_that_the_vendor_ended_while_idle_are_not_used(wire: Wire) -> None:
    with Hostile(answers_then()) as vendor:
        for _round in range(3):
            for number in range(30):
                wire.submit(number, "lane", 10, request_to(vendor.url()), boottime() + 60)
                if number % 10 == 9:
                    assert {answer.status for _, answer in collect(wire, 10)} == {200}
                    time.sleep(0.05)
        assert len(vendor.requests) == 90


def test_a_descriptor_that_has_become_another_socket_is_recognised() -> None:
    """libcurl may close a connection and another thread open one under the same number before its event is read."""
    ours, theirs = socket.socketpair()
    number, cookie = ours.fileno(), sockets.cookie_of(ours.fileno())
    assert sockets.is_still(number, cookie)
    other = socket.socket()
    os.dup2(other.fileno(), number)
    assert not sockets.is_still(number, cookie)
    with Path(os.devnull).open("rb") as no_socket:
        os.dup2(no_socket.fileno(), number)
    assert not sockets.is_still(number, cookie)
    for each in (ours, theirs, other):
        each.close()
    assert not sockets.is_still(number, cookie)
    assert not sockets.is_still(number, b"")


def test_only_a_connection_that_has_ended_is_retired() -> None:
    ours, theirs = socket.socketpair()
    assert not sockets.retire_if_ended(ours.fileno())
    theirs.sendall(b"unasked")
    assert sockets.retire_if_ended(ours.fileno())
    assert theirs.recv(100) == b"", "ended on our side too"
    ours.close()
    theirs.close()


def test_many_requests_over_few_connections_are_each_answered_once(wire: Wire) -> None:
    with Hostile() as vendor:
        for number in range(1_000):
            wire.submit(number, f"lane-{number % 3}", 8, request_to(vendor.url()), boottime() + 60)
        answered = collect(wire, 1_000)
        assert sorted(token for token, _ in answered) == list(range(1_000))  # type: ignore[type-var]  # ints
        assert all(answer.status == 200 for _, answer in answered)
        assert len(vendor.peers) <= 24
        assert len(vendor.requests) == 1_000


def test_close_with_transfers_under_way_leaks_no_descriptor() -> None:
    with Hostile(hangs) as vendor:
        before = count_descriptors()
        wire = Wire(allow_private=True)
        for number in range(10):
            wire.submit(number, "lane", 5, request_to(vendor.url()), boottime() + 60)
        wire.poll(0.3)
        assert wire.in_flight == 5
        vendor_side = len(vendor.peers)
        wire.close()
        wire.close()
        wire.wake()
        gc.collect()
        assert count_descriptors() <= before + vendor_side


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_only_the_thread_that_polled_first_may_poll(wire: Wire) -> None:
    wire.poll(0.0)
    seen: list[BaseException] = []

    def poll() -> None:
        try:
            wire.poll(0.0)
        except RuntimeError as error:
            seen.append(error)

    thread = threading.Thread(target=poll)
    thread.start()
    thread.join()
    assert len(seen) == 1


def test_the_console_prints_one_line_per_request_and_answers_at_once() -> None:
    out = io.StringIO()
    wire = Wire(allow_private=False, out=out)
    for number in range(3):
        wire.submit(number, "console", 1, request_to("console:", body=b'{"n":"ol\xc3\xa1\n"}'), boottime() + 60)
    answered = collect(wire, 3)
    wire.close()
    assert out.getvalue() == '{"n":"olá "}\n' * 3
    assert all((answer.status, answer.complete) == (200, True) for _, answer in answered)


def test_the_console_prints_nothing_after_the_deadline() -> None:
    out = io.StringIO()
    wire = Wire(allow_private=False, out=out)
    wire.submit(1, "console", 1, request_to("console:"), boottime() - 1)
    ((_, answer),) = collect(wire, 1)
    wire.close()
    assert (answer.error, answer.left, out.getvalue()) == ("deadline", False, "")


class Full(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError("nobody reads")


def test_a_console_that_cannot_be_written_to_is_not_sent() -> None:
    wire = Wire(allow_private=False, out=Full())
    wire.submit(1, "console", 1, request_to("console:"), boottime() + 60)
    ((_, answer),) = collect(wire, 1)
    wire.close()
    assert (answer.error, answer.left) == ("output", False)


def test_a_name_is_looked_up_once_and_again_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    wire = Wire(allow_private=True, resolve=resolve)
    with Hostile() as vendor:
        for _ in range(5):
            assert exchange(wire, request_to(vendor.url(host="vendor.example.com"))).status == 200
        assert asked == ["vendor.example.com"]
        wire._names._known["vendor.example.com"].ask_again_at = 0.0
        for _ in range(3):
            assert exchange(wire, request_to(vendor.url(host="vendor.example.com"))).status == 200
        assert asked == ["vendor.example.com"] * 2
    wire.close()


@pytest.mark.parametrize("host", ["VENDOR.Example.COM", "vendor.example.com.", "vendor"])
def test_a_name_in_any_spelling_is_looked_up_by_the_wire_and_not_by_libcurl(host: str) -> None:
    """Its resolver would not find these: only the address handed to it leads to the vendor."""
    wire = Wire(allow_private=True, resolve=lambda _host: ["127.0.0.1"])
    with Hostile() as vendor:
        for _ in range(2):
            assert exchange(wire, request_to(vendor.url(host=host))).status == 200
    wire.close()


def test_a_name_that_was_never_reached_is_handed_over_anew() -> None:
    """The first request with its addresses was refused: the next one must not be left to libcurl's resolver."""
    wire = Wire(allow_private=True, resolve=lambda _host: ["127.0.0.1"])
    with Hostile() as vendor:
        url = vendor.url(host="vendor.example.com")
        assert exchange(wire, request_to(url, headers=["X: \n"])).error == "invalid"
        assert exchange(wire, request_to(url), deadline_in=-1).error == "deadline"
        assert exchange(wire, request_to(url)).status == 200
    wire.close()
