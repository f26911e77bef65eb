"""A vendor that misbehaves in scripted ways, on real sockets: one script per connection, the last one for the rest."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from providers.messages import WireAnswer, WireRequest
from providers.wire import Wire, boottime

PATIENCE = 20.0
OK = b'{"messageId":"m-1","status":"sent"}'


class Peer:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self.connection = connection
        self.requests: list[bytes] = []
        self._stopping = stopping
        self._buffer = b""

    def read_head(self) -> bytes:
        while b"\r\n\r\n" not in self._buffer:
            chunk = self.connection.recv(65_536)
            if not chunk:
                raise ConnectionError("the client left")
            self._buffer += chunk
        return self._buffer[: self._buffer.index(b"\r\n\r\n") + 4]

    def read_request(self) -> bytes:
        """One whole request; noted in `requests`."""
        head = self.read_head()
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(self._buffer) < len(head) + length:
            chunk = self.connection.recv(65_536)
            if not chunk:
                raise ConnectionError("the client left")
            self._buffer += chunk
        request, self._buffer = self._buffer[: len(head) + length], self._buffer[len(head) + length :]
        self.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, status: int = 200, body: bytes = OK, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hold(self) -> None:
        """Says nothing until the test is over."""
        self._stopping.wait(PATIENCE)


Script = Callable[[Peer], None]


def answers_all(peer: Peer) -> None:
    while True:
        peer.read_request()
        peer.answer()


class Hostile:
    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts: Sequence[Script] = scripts or (answers_all,)
        self._tls = tls
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.peers: list[Peer] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._listener.settimeout(0.05)
        self._start(self._accept)

    @property
    def requests(self) -> list[bytes]:
        return [request for peer in self.peers for request in peer.requests]

    def url(self, path: str = "/send", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def close(self) -> None:
        self._stopping.set()
        for peer in self.peers:
            try:
                peer.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # gone already
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _address = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
            peer = Peer(connection, self._stopping)
            self.peers.append(peer)
            self._start(lambda script=script, peer=peer: self._run(script, peer))  # type: ignore[misc]  # bound now

    def _run(self, script: Script, peer: Peer) -> None:
        try:
            if self._tls:
                peer.connection = self._tls.wrap_socket(peer.connection, server_side=True)
            script(peer)
        except (OSError, ConnectionError):
            pass  # the client left, which is its right
        finally:
            peer.connection.close()


def request_to(
    url: str,
    *,
    method: str = "POST",
    body: bytes = b'{"to":"+5511999999999"}',
    headers: Sequence[str] = (),
    timeout_ms: int = 5_000,
    connect_timeout_ms: int = 2_000,
    max_answer_bytes: int = 64 * 1024,
    wants_headers: bool = False,
) -> WireRequest:
    return WireRequest(
        method=method,
        url=url,
        headers=("Content-Type: application/json", *headers),
        body=body,
        timeout_ms=timeout_ms,
        connect_timeout_ms=connect_timeout_ms,
        max_answer_bytes=max_answer_bytes,
        wants_headers=wants_headers,
    )


def collect(wire: Wire, count: int, within: float = PATIENCE) -> list[tuple[object, WireAnswer]]:
    """Polls until `count` requests are answered; the order is that of the answers."""
    answered: list[tuple[object, WireAnswer]] = []
    end = time.monotonic() + within
    while len(answered) < count and time.monotonic() < end:
        answered += wire.poll(0.2)
    assert len(answered) == count, f"{len(answered)} of {count} answered"
    return answered


def exchange(wire: Wire, request: WireRequest, *, lane: str = "lane", deadline_in: float = 60.0) -> WireAnswer:
    """One request, one answer."""
    wire.submit("only", lane, 8, request, boottime() + deadline_in)
    ((token, answer),) = collect(wire, 1)
    assert token == "only"
    return answer
