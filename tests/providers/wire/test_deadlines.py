"""No byte leaves after the deadline, wherever the request was held up; then it counts as not sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from providers.messages import WireAnswer
from providers.wire import Wire, boottime
from tests.providers.wire.hostile import Hostile, Peer, collect, exchange, request_to


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(clock: Clock) -> Iterator[Wire]:
    wire = Wire(allow_private=True, clock=clock)
    yield wire
    wire.close()


def assert_late(answer: WireAnswer) -> None:
    assert (answer.error, answer.left, answer.complete) == ("deadline", False, False)


@pytest.mark.parametrize(("method", "body"), [("POST", b"{}"), ("GET", b"")])
def test_a_request_whose_deadline_has_passed_is_not_sent(clocked: Wire, clock: Clock, method: str, body: bytes) -> None:
    with Hostile() as vendor:
        clocked.submit("late", "lane", 1, request_to(vendor.url(), method=method, body=body), clock.now)
        ((_, answer),) = collect(clocked, 1)
        assert not vendor.peers
    assert_late(answer)


@pytest.mark.parametrize(("method", "body"), [("POST", b"{}"), ("GET", b"")])
def test_a_deadline_that_passes_while_connecting_keeps_the_request_from_leaving(method: str, body: bytes) -> None:
    """A process frozen, or a vendor slow to accept, between the start of a transfer and its first byte."""
    readings = iter([0.0])
    wire = Wire(allow_private=True, clock=lambda: next(readings, 100.0))
    with Hostile() as vendor:
        wire.submit("late", "lane", 1, request_to(vendor.url(), method=method, body=body), 50.0)
        ((_, answer),) = collect(wire, 1)
        wire.close()
        assert vendor.requests == []
    assert_late(answer)


def test_a_handle_that_was_late_is_fit_for_the_next_request() -> None:
    readings = iter([0.0, 100.0])
    wire = Wire(allow_private=True, clock=lambda: next(readings, 0.0))
    with Hostile() as vendor:
        wire.submit("late", "lane", 1, request_to(vendor.url()), 50.0)
        ((_, late),) = collect(wire, 1)
        wire.submit("good", "lane", 1, request_to(vendor.url()), 50.0)
        ((_, good),) = collect(wire, 1)
    wire.close()
    assert_late(late)
    assert good.status == 200


def test_what_waits_behind_a_full_lane_is_handed_back_soon_after_its_deadline(wire: Wire) -> None:
    def hangs(peer: Peer) -> None:
        peer.read_request()
        peer.hold()

    with Hostile(hangs) as vendor:
        wire.submit("stuck", "lane", 1, request_to(vendor.url(), timeout_ms=3_000), boottime() + 60)
        for number in range(20):
            wire.submit(number, "lane", 1, request_to(vendor.url()), boottime() + 0.3)
        start = time.monotonic()
        answered = collect(wire, 20, within=2.0)
        assert time.monotonic() - start < 1.5
        assert {token for token, _ in answered} == set(range(20))
        for _, answer in answered:
            assert_late(answer)
        assert (wire.in_flight, wire.queued) == (1, 0)
        assert len(vendor.requests) == 1


def test_what_waits_for_a_name_is_handed_back_after_its_deadline() -> None:
    release = threading.Event()

    def never(_host: str) -> list[str]:
        release.wait(20)
        return ["127.0.0.1"]

    wire = Wire(allow_private=True, resolve=never)
    wire.submit("late", "lane", 1, request_to("http://slow.example.com/"), boottime() + 0.2)
    ((_, answer),) = collect(wire, 1, within=2.0)
    release.set()
    wire.close()
    assert_late(answer)


def test_a_deadline_far_away_changes_nothing(wire: Wire) -> None:
    with Hostile() as vendor:
        assert exchange(wire, request_to(vendor.url()), deadline_in=3600).status == 200


def test_an_answer_that_comes_after_the_deadline_still_counts(wire: Wire) -> None:
    def slow(peer: Peer) -> None:
        peer.read_request()
        time.sleep(0.5)
        peer.answer()

    with Hostile(slow) as vendor:
        assert exchange(wire, request_to(vendor.url()), deadline_in=0.2).status == 200
