"""Callers at the same time: one of two editors wins, and nobody waits for another's transaction to be counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from audiences.models import Segment
from tests.api.callers import Caller

pytestmark = pytest.mark.django_db(transaction=True)

VIP = {"code": "vip", "name": "VIP"}
PATIENCE = 30


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Each in a thread, hence over a connection, of its own; all begin together."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(PATIENCE)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result(PATIENCE) for future in [threads.submit(run, call) for call in calls]]


def test_of_two_who_change_the_same_version_one_wins(caller: Caller) -> None:
    made = caller.post("segments", VIP)
    place, etag = made["Location"].removeprefix("/api/"), made["ETag"]
    answers = at_once(
        *(lambda name=name: caller.patch(place, {"name": name}, etag) for name in ("one", "two", "three", "four"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (won,) = [answer.json()["name"] for answer in answers if answer.status_code == 200]
    assert caller.get(place).json()["name"] == won


def test_of_two_who_make_the_same_one_succeeds(caller: Caller) -> None:
    answers = at_once(*[lambda: caller.post("segments", VIP)] * 4)
    codes = [answer.status_code for answer in answers]
    assert codes.count(201) == 1
    assert set(codes) <= {201, 409, 422}


def test_a_limit_holds_over_all_connections(caller: Caller, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10
    # Whatever the clock does in between, a minute that begins anew lets ten more through.
    codes = [answer.status_code for answer in at_once(*[lambda: caller.get("segments")] * 8)]
    codes += [answer.status_code for answer in at_once(*[lambda: caller.get("segments")] * 8)]
    codes += [answer.status_code for answer in at_once(*[lambda: caller.get("segments")] * 8)]
    assert 10 <= codes.count(200) <= 20
    assert codes.count(429) == 24 - codes.count(200)


def test_a_request_that_takes_long_holds_nobody_with_the_same_key(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    save = Segment.save

    def slow(self: Segment, *args: Any, **kwargs: Any) -> None:
        save(self, *args, **kwargs)
        inside.set()
        assert go_on.wait(PATIENCE)

    monkeypatch.setattr(Segment, "save", slow)

    def quick() -> Any:
        assert inside.wait(PATIENCE)
        try:
            return caller.get("segments")
        finally:
            go_on.set()

    made, read = at_once(lambda: caller.post("segments", VIP), quick)
    assert (made.status_code, read.status_code) == (201, 200)
    # It was not there yet when the other one looked: its transaction was open all the while.
    assert read.json()["results"] == []
