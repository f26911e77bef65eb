"""A slow or dead vendor holds back its own lane and no other."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.messages import WireRequest
from providers.wire import Wire, boottime
from providers.wire.lanes import Item, Lanes
from tests.providers.wire.hostile import Hostile, Peer, collect, request_to


def hangs(peer: Peer) -> None:
    peer.read_request()
    peer.hold()


def test_a_hanging_lane_does_not_delay_another(wire: Wire) -> None:
    with Hostile(hangs) as dead, Hostile() as alive:
        for number in range(200):
            wire.submit(("dead", number), "dead", 32, request_to(dead.url(), timeout_ms=10_000), boottime() + 60)
        wire.poll(0.2)
        start = time.monotonic()
        for number in range(300):
            wire.submit(("alive", number), "alive", 8, request_to(alive.url()), boottime() + 60)
        answered = collect(wire, 300, within=5.0)
        assert time.monotonic() - start < 3.0
        assert {token[0] for token, _ in answered} == {"alive"}  # type: ignore[index]  # our own pairs
        assert all(answer.status == 200 for _, answer in answered)
        assert (wire.in_flight, wire.queued) == (32, 168)


def test_a_name_that_does_not_resolve_does_not_delay_another_lane() -> None:
    """libcurl's own resolver pool fails this: twenty stuck look-ups and every other name times out."""
    release = threading.Event()
    asked: Counter[str] = Counter()

    def resolve(host: str) -> list[str]:
        asked[host] += 1
        if host.startswith("dead"):
            release.wait(20)
            raise OSError("no answer from the name server")
        return ["127.0.0.1"]

    wire = Wire(allow_private=True, resolve=resolve)
    with Hostile() as alive:
        for number in range(100):
            host = "dead.example.com" if number % 2 else f"dead{number}.example.com"
            request = request_to(f"http://{host}/", connect_timeout_ms=15_000)
            wire.submit(("dead", number), "dead", 64, request, boottime() + 60)
        wire.poll(0.1)
        start = time.monotonic()
        for number in range(20):
            wire.submit(("alive", number), "alive", 8, request_to(alive.url(host="alive.example.com")), boottime() + 60)
        answered = collect(wire, 20, within=5.0)
        assert time.monotonic() - start < 2.0
        assert all(answer.status == 200 for _, answer in answered)
        assert asked["dead.example.com"] == 1, "one look-up per name, however many wait for it"
        release.set()
        assert {answer.error for _, answer in collect(wire, 100)} == {"dns"}
    wire.close()


def test_a_look_up_that_takes_longer_than_a_connection_may_is_not_sent() -> None:
    release = threading.Event()
    wire = Wire(allow_private=True, resolve=lambda _host: ["127.0.0.1"] if release.wait(20) else [])
    wire.submit(1, "lane", 1, request_to("http://slow.example.com/", connect_timeout_ms=200), boottime() + 60)
    ((_, answer),) = collect(wire, 1, within=2.0)
    release.set()
    wire.close()
    assert (answer.error, answer.left) == ("dns", False)


def test_concurrency_is_what_the_lane_says(wire: Wire) -> None:
    with Hostile(hangs) as vendor:
        for number in range(10):
            wire.submit(number, "lane", 3, request_to(vendor.url(), timeout_ms=500), boottime() + 60)
        wire.poll(0.2)
        assert (wire.in_flight, wire.queued) == (3, 7)
        assert len(vendor.peers) == 3
        # The newest word counts.
        wire.submit(10, "lane", 5, request_to(vendor.url(), timeout_ms=500), boottime() + 60)
        wire.poll(0.1)
        assert wire.in_flight == 5
        assert len(collect(wire, 11)) == 11
        assert (wire.in_flight, wire.queued) == (0, 0)


@pytest.mark.parametrize("concurrency", [0, -1])
def test_a_lane_without_room_is_refused(wire: Wire, concurrency: int) -> None:
    with pytest.raises(ValueError, match="room"):
        wire.submit(1, "lane", concurrency, request_to("http://127.0.0.1/"), 1e12)


REQUEST = WireRequest("POST", "http://127.0.0.1/", (), b"x", 1, 1)
Step = tuple[str, int]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=60),
    st.lists(st.integers(0, 40), max_size=80),
)
def test_lanes_take_in_order_within_bounds_and_lose_nothing(puts: list[Step], gives: list[int]) -> None:
    lanes = Lanes()
    taken: list[Item] = []
    busy: list[Item] = []
    limits = {name: max(limit for other, limit in puts if other == name) for name, _ in puts}
    for number, (name, concurrency) in enumerate(puts):
        lanes.put(number, name, concurrency, REQUEST, 0.0, 0.0)

    def take_all() -> None:
        while (item := lanes.take()) is not None:
            taken.append(item)
            busy.append(item)

    take_all()
    for index in gives:
        if busy:
            lanes.give_back(busy.pop(index % len(busy)).lane)
            take_all()
        assert all(count <= limits[name] for name, count in Counter(item.lane.name for item in busy).items())
    while busy:
        lanes.give_back(busy.pop().lane)
        take_all()
    for name in "abc":
        tokens = [item.token for item in taken if item.lane.name == name]
        assert tokens == [number for number, (other, _) in enumerate(puts) if other == name]
    assert lanes.waiting == 0


def test_lanes_take_turns() -> None:
    lanes = Lanes()
    for number in range(3):
        for name in ("full", "small"):
            lanes.put(number, name, 3, REQUEST, 0.0, 0.0)
    order = [item.lane.name for item in iter(lanes.take, None)]
    assert order == ["full", "small"] * 3


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 10)), max_size=40), st.floats(0, 10))
def test_expiry_takes_exactly_what_is_late(puts: list[tuple[str, float]], now: float) -> None:
    lanes = Lanes()
    for number, (name, deadline) in enumerate(puts):
        lanes.put(number, name, 100, REQUEST, deadline, 0.0)
    late = {item.token for item in lanes.expire(now)}
    assert late == {number for number, (_, deadline) in enumerate(puts) if deadline <= now}
    rest: list[Item] = list(iter(lanes.take, None))
    assert {item.token for item in rest} == set(range(len(puts))) - late
    assert lanes.waiting == 0
