"""HTTP/2, for vendors that opt in: many requests at once over one connection, with a server that speaks it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.messages import WireAnswer, WireRequest
from providers.wire import Wire, boottime
from tests.providers.servers import unused_port
from tests.providers.wire.certificates import Certificate
from tests.providers.wire.hostile import Hostile, collect, exchange, request_to

HERE = Path(__file__).parent
PATIENCE = 20.0


class Server:
    """granian in a process group of its own."""

    def __init__(self, certificate: Certificate) -> None:
        self.port = unused_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--http", "auto", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--log-level", "critical", "--no-access-log"]
        command += ["--ssl-certificate", str(certificate.file), "--ssl-keyfile", str(certificate.key_file)]
        self._process = subprocess.Popen(
            [*command, "http2_server:answer"], cwd=HERE, start_new_session=True, stdout=subprocess.DEVNULL
        )
        self._wait()

    def url(self, path: str = "/send") -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("granian does not listen")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("http2"), "vendor.example.com")


@pytest.fixture(scope="module")
def server(certificate: Certificate) -> Iterator[Server]:
    server = Server(certificate)
    yield server
    server.kill()


@pytest.fixture
def trusting(certificate: Certificate) -> Iterator[Wire]:
    wire = Wire(allow_private=True, ca_file=str(certificate.file))
    yield wire
    wire.close()


def multiplexed(url: str, **changes: Any) -> WireRequest:
    return msgspec.structs.replace(request_to(url, **changes), http2=True)


def seen(answer: WireAnswer) -> dict[str, Any]:
    assert (answer.status, answer.complete, answer.left) == (200, True, True), answer.detail
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_who_opts_in_speaks_http2_and_nobody_else(trusting: Wire, server: Server) -> None:
    assert seen(exchange(trusting, multiplexed(server.url(), body="olá".encode())))["version"] == "2"
    assert seen(exchange(trusting, request_to(server.url())))["version"] == "1.1"
    answer = exchange(trusting, multiplexed(server.url(), body="olá".encode(), wants_headers=True))
    assert seen(answer)["body"] == "olá"
    assert answer.headers["x-message-id"] == "m-1"


def test_many_requests_share_one_connection(trusting: Wire, server: Server) -> None:
    for number in range(40):
        body = f"number {number}".encode()
        trusting.submit(number, "lane", 40, multiplexed(server.url("/slow"), body=body), boottime() + 60)
    start = time.monotonic()
    answered = collect(trusting, 40)
    assert time.monotonic() - start < 40 * 0.2 / 4, "they waited for each other"
    assert {(token, seen(answer)["body"]) for token, answer in answered} == {(n, f"number {n}") for n in range(40)}
    assert len({seen(answer)["client"] for _token, answer in answered}) == 1


def test_the_connection_is_used_again_one_after_another(trusting: Wire, server: Server) -> None:
    clients = set()
    for _ in range(10):
        clients.add(seen(exchange(trusting, multiplexed(server.url())))["client"])
        trusting.poll(0.05)
    assert len(clients) == 1


@pytest.mark.parametrize("size", [65_536, 500_000])
def test_large_bodies_arrive_whole(trusting: Wire, server: Server, size: int) -> None:
    body = b"0123456789abcdef" * (size // 16)
    answer = exchange(trusting, multiplexed(server.url(), body=body, max_answer_bytes=1_000_000))
    assert seen(answer)["body"].encode() == body


def test_a_request_without_a_body_goes_out_too(trusting: Wire, server: Server) -> None:
    answer = seen(exchange(trusting, multiplexed(server.url(), method="GET", body=b"")))
    assert (answer["method"], answer["version"]) == ("GET", "2")


def test_a_late_request_does_not_leave(certificate: Certificate, server: Server) -> None:
    readings = iter([0.0])
    wire = Wire(allow_private=True, ca_file=str(certificate.file), clock=lambda: next(readings, 100.0))
    wire.submit("late", "lane", 1, multiplexed(server.url()), 50.0)
    ((_token, answer),) = collect(wire, 1)
    wire.close()
    assert (answer.error, answer.left, answer.complete) == ("deadline", False, False)


def test_silence_is_unknown_after_the_time_out_and_spares_the_others(trusting: Wire, server: Server) -> None:
    trusting.submit("silent", "lane", 8, multiplexed(server.url("/silent"), timeout_ms=400), boottime() + 60)
    trusting.submit("quick", "lane", 8, multiplexed(server.url()), boottime() + 60)
    answers = dict(collect(trusting, 2))
    seen(answers["quick"])
    assert (answers["silent"].error, answers["silent"].left, answers["silent"].complete) == ("timeout", True, False)


def test_a_connection_that_dies_leaves_all_that_it_carried_unknown(certificate: Certificate) -> None:
    wire = Wire(allow_private=True, ca_file=str(certificate.file))
    server = Server(certificate)
    seen(exchange(wire, multiplexed(server.url())))
    for number in range(5):
        wire.submit(number, "lane", 8, multiplexed(server.url("/silent")), boottime() + 60)
    wire.poll(0.2)
    server.kill()
    for _token, answer in collect(wire, 5):
        assert (answer.left, answer.complete) == (True, False)
    wire.close()


def test_a_server_that_knows_no_http2_is_spoken_to_as_it_can(certificate: Certificate) -> None:
    wire = Wire(allow_private=True, ca_file=str(certificate.file))
    with Hostile(tls=certificate.server_context()) as vendor, Hostile() as plain:
        assert exchange(wire, multiplexed(vendor.url())).status == 200
        assert b"HTTP/1.1\r\n" in vendor.requests[0]
        assert exchange(wire, multiplexed(plain.url())).status == 200
        assert b"HTTP/1.1\r\n" in plain.requests[0]
        assert b"upgrade" not in plain.requests[0].lower()
    wire.close()
