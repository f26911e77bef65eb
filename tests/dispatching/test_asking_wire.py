"""Asking first, over real sockets: a token is fetched once, renewed when it ends, and nobody waits for it in vain."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dispatching.results import Sent
from dispatching.sending import Sender
from providers.outcomes import Kind
from providers.registry import TRANSPORTS
from providers.wire import Wire, boottime
from tests.dispatching.toys import AskingToy, batch


class House(ThreadingHTTPServer):
    """Gives out tokens, and takes messages with the newest of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.pause_s = 0.0
        self.issued = 0
        self.current = 0
        self.grants = True
        self.taken: Counter[str] = Counter()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: House

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        house = self.server
        if self.path == "/token":
            time.sleep(house.pause_s)
            house.issued += 1
            house.current = house.issued if house.grants else -1
            return self._say(200, {"token": str(house.issued), "lifetime": 3600})
        if self.headers["Authorization"] != str(house.current):
            return self._say(401, {})
        house.taken.update(json.loads(body)["ids"])
        return self._say(200, {})

    def _say(self, status: int, answer: dict[str, object]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    server = House()
    monkeypatch.setitem(TRANSPORTS, "toy", AskingToy(url=server.url))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@contextmanager
def running() -> Iterator[tuple[Sender, list[Sent]]]:
    """A sender in its thread, and what it delivers. Left by stopping it, which must deliver everything."""
    back: list[Sent] = []
    sender = Sender(Wire(allow_private=True), back.extend)
    thread = threading.Thread(target=sender.run, daemon=True)
    thread.start()
    try:
        yield sender, back
    finally:
        sender.stop()
        thread.join(10)
        assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def names(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


def kinds(back: list[Sent]) -> Counter[Kind]:
    return Counter(sent.outcome.kind for sent in back)


def test_a_hundred_messages_need_one_token(house: House) -> None:
    house.pause_s = 0.1
    with running() as (sender, back):
        sender.put([batch(*names(100), deadline=boottime() + 9)])
        until(lambda: len(back) == 100)
    assert (house.issued, kinds(back)) == (1, {Kind.ACCEPTED: 100})
    assert house.taken == Counter(names(100))


def test_a_token_that_ends_is_renewed_and_each_message_arrives_once(house: House) -> None:
    with running() as (sender, back):
        sender.put([batch("first", deadline=boottime() + 9)])
        until(lambda: len(back) == 1)
        house.current = 99  # revoked, as far as anybody who holds it can tell
        sender.put([batch(*names(50), deadline=boottime() + 9)])
        until(lambda: len(back) == 51)
    assert kinds(back) == {Kind.ACCEPTED: 51}
    assert house.issued <= 3
    assert set(house.taken.values()) == {1}


def test_a_vendor_that_grants_tokens_and_takes_none_is_asked_twice_and_no_more(house: House) -> None:
    house.grants = False
    with running() as (sender, back):
        sender.put([batch("one", deadline=boottime() + 9)])
        until(lambda: len(back) == 1)
    assert (house.issued, kinds(back)) == (2, {Kind.CONFIGURATION: 1})


def test_who_waits_past_the_deadline_is_handed_back_unsent(house: House) -> None:
    house.pause_s = 0.5
    with running() as (sender, back):
        sender.put([batch("short", deadline=boottime() + 0.2), batch("long", deadline=boottime() + 9)])
        until(lambda: len(back) == 2)
    told = {sent.parcel.id: (sent.outcome.kind, sent.outcome.reason) for sent in back}
    assert told["short"] == (Kind.NOT_SENT, "DEADLINE")
    assert told["long"][0] is Kind.ACCEPTED
    assert house.taken == {"long": 1}


def test_leaving_waits_for_the_answer_and_for_what_waits_for_it(house: House) -> None:
    house.pause_s = 0.3
    with running() as (sender, back):
        sender.put([batch(*names(5), deadline=boottime() + 9)])
        until(lambda: not sender._released.qsize())
    assert kinds(back) == {Kind.ACCEPTED: 5}


def test_a_vendor_that_cannot_be_reached_leaves_everything_unsent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TRANSPORTS, "toy", AskingToy(url="http://127.0.0.1:9"))
    with running() as (sender, back):
        sender.put([batch(*names(3), deadline=boottime() + 9)])
        until(lambda: len(back) == 3)
    assert kinds(back) == {Kind.NOT_SENT: 3}
    assert all(sent.dispatched_at is None for sent in back)
