"""The sandbox vendor's sockets: one epoll loop for HTTP/1.1 and mail, the log written before any answer leaves."""

from __future__ import annotations

import heapq
import os
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path

from providers.sandbox.mail import PostOffice
from providers.sandbox.messages import MAX_BODY, MAX_HEAD, BadRequest, answer, read_request
from providers.sandbox.replies import After, Reply, Talk
from providers.sandbox.vendor import Vendor

READ = select.EPOLLIN | select.EPOLLRDHUP
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
CHUNK = 256 * 1024
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: close() sends a reset


NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Web:
    """HTTP/1.1. Knows nothing of what came before: all connections share one."""

    greeting: Reply | None = None

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    def take(self, inbox: bytes) -> tuple[Reply | None, int]:
        try:
            request = read_request(inbox)
        except BadRequest as bad:
            return Reply(answer(bad.status, b'{"error":"bad request"}'), After.CLOSE), len(inbox)
        return (None, 0) if request is None else (self._vendor.reply_to(request), request.size)


class Connection:
    __slots__ = ("busy", "close_after", "inbox", "is_full", "is_shaking_hands", "outbox", "socket", "talk")

    def __init__(self, accepted: socket.socket, talk: Talk) -> None:
        self.socket = accepted
        self.talk = talk
        self.inbox = b""
        self.outbox = b""
        self.busy = False
        """An answer is owed: what came meanwhile waits."""
        self.close_after = False
        self.is_full = False
        """The socket takes no more of the outbox for now."""
        self.is_shaking_hands = False
        """TLS has begun, and is not yet agreed upon."""


class Server:
    """`mail_port`: where mail is taken, None for nowhere; `mail_certificate`: PEM with its key, offered by STARTTLS."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        host: str,
        port: int,
        mail_port: int | None = None,
        mail_certificate: Path | None = None,
    ) -> None:
        self._vendor = vendor
        self._encryption: ssl.SSLContext | None = None
        if mail_certificate is not None:
            self._encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._encryption.load_cert_chain(mail_certificate)
        web, office = Web(vendor), PostOffice(vendor)
        self._listeners: dict[int, tuple[socket.socket, Callable[[], Talk]]] = {}
        self._connections: dict[int, Connection] = {}
        self._ready: list[tuple[Connection, Reply]] = []
        self._later: list[tuple[float, int, Connection, Reply]] = []
        self._postponed = 0
        self._stopping = False
        self._epoll = select.epoll()
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._alarm, select.EPOLLIN)
        self.port = self._listen(host, port, lambda: web)
        self.mail_port = 0
        if mail_port is not None:
            can_encrypt = self._encryption is not None
            self.mail_port = self._listen(host, mail_port, lambda: office.open(can_encrypt=can_encrypt))

    def _listen(self, host: str, port: int, talk: Callable[[], Talk]) -> int:
        """The port that it became."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=1024)
        listener.setblocking(False)
        self._listeners[listener.fileno()] = (listener, talk)
        self._epoll.register(listener, select.EPOLLIN)
        taken: int = listener.getsockname()[1]
        return taken

    def stop(self) -> None:
        """Leave after what is being handled. From a signal handler or another thread."""
        self._stopping = True
        os.eventfd_write(self._alarm, 1)

    def run(self) -> None:
        """Serves until stop()."""
        while not self._stopping:
            self._turn()
        self.close()

    def close(self) -> None:
        for connection in list(self._connections.values()):
            self._drop(connection)
        for listener, _talk in self._listeners.values():
            listener.close()
        self._epoll.close()
        os.close(self._alarm)
        self._vendor.ledger.close()

    def _turn(self) -> None:
        for descriptor, events in self._epoll.poll(self._patience(), 512):
            connection = self._connections.get(descriptor)
            if connection is not None:
                self._serve(connection, events)
            elif descriptor in self._listeners:
                self._welcome(*self._listeners[descriptor])
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            _due, _order, connection, reply = heapq.heappop(self._later)
            self._ready.append((connection, reply))
        # The log first: a message whose sender has an answer is always in it.
        self._vendor.ledger.flush()
        ready, self._ready = self._ready, []
        for connection, reply in ready:
            self._send(connection, reply)

    def _patience(self) -> float:
        if self._ready:
            return 0.0
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else -1

    def _welcome(self, listener: socket.socket, talk: Callable[[], Talk]) -> None:
        while True:
            try:
                accepted, _address = listener.accept()
            except OSError:  # nobody is waiting, or there is no descriptor left for him
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = self._connections[accepted.fileno()] = Connection(accepted, talk())
            self._epoll.register(accepted, READ)
            if connection.talk.greeting is not None:
                self._owe(connection, connection.talk.greeting)

    def _serve(self, connection: Connection, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._push(connection)
            if events & select.EPOLLIN:
                self._receive(connection)
            elif events & GONE:
                self._drop(connection)
        except NOT_YET:
            return
        except OSError:
            self._drop(connection)

    def _receive(self, connection: Connection) -> None:
        if connection.is_shaking_hands:
            assert isinstance(connection.socket, ssl.SSLSocket)
            connection.socket.do_handshake()
            connection.is_shaking_hands = False
        received = connection.socket.recv(CHUNK)
        connection.inbox += received
        if not received or len(connection.inbox) > MAX_HEAD + MAX_BODY:
            self._drop(connection)
        elif not connection.busy:
            self._understand(connection)

    def _understand(self, connection: Connection) -> None:
        """Takes the next request out of what has come. One at a time: answers keep the order of their requests."""
        reply, size = connection.talk.take(connection.inbox)
        if size:
            connection.inbox = connection.inbox[size:]
        if reply is not None:
            self._owe(connection, reply)

    def _owe(self, connection: Connection, reply: Reply) -> None:
        connection.busy = True
        if reply.delay_ms:
            self._postponed += 1
            due = time.monotonic() + reply.delay_ms / 1000
            heapq.heappush(self._later, (due, self._postponed, connection, reply))
        else:
            self._ready.append((connection, reply))

    def _send(self, connection: Connection, reply: Reply) -> None:
        if connection.socket.fileno() < 0:
            return
        if reply.after is After.HANG:
            # Reads no more and keeps the connection until the other side has enough.
            if reply.data:
                connection.socket.send(reply.data)
            self._epoll.modify(connection.socket, select.EPOLLRDHUP)
            return
        if reply.after is After.RESET:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            self._drop(connection)
            return
        connection.close_after = reply.after is After.CLOSE
        connection.outbox += reply.data
        connection.busy = False
        try:
            self._push(connection)
        except OSError:
            self._drop(connection)
            return
        if reply.after is After.ENCRYPT:
            self._encrypt(connection)
        if connection.inbox and not connection.close_after:
            self._understand(connection)

    def _encrypt(self, connection: Connection) -> None:
        """Begins TLS. Whatever came before it is forgotten."""
        assert self._encryption is not None
        connection.inbox = b""
        connection.is_shaking_hands = True
        connection.socket = self._encryption.wrap_socket(
            connection.socket, server_side=True, do_handshake_on_connect=False
        )

    def _push(self, connection: Connection) -> None:
        """Sends what the socket takes; the rest when it takes more."""
        try:
            sent = connection.socket.send(connection.outbox)
        except NOT_YET:
            sent = 0
        connection.outbox = connection.outbox[sent:]
        if bool(connection.outbox) != connection.is_full:
            connection.is_full = bool(connection.outbox)
            self._epoll.modify(connection.socket, READ | select.EPOLLOUT if connection.is_full else READ)
        if connection.close_after and not connection.outbox:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._connections.pop(connection.socket.fileno(), None)
        connection.socket.close()
