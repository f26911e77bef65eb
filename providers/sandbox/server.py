"""The sandbox vendor's sockets: one epoll loop, keep-alive HTTP/1.1, the log written before any answer leaves."""

from __future__ import annotations

import heapq
import os
import select
import socket
import struct
import time

from providers.sandbox.messages import MAX_BODY, MAX_HEAD, BadRequest, answer, read_request
from providers.sandbox.vendor import After, Reply, Vendor

READ = select.EPOLLIN | select.EPOLLRDHUP
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
CHUNK = 256 * 1024
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: close() sends a reset


class Connection:
    __slots__ = ("busy", "close_after", "inbox", "is_full", "outbox", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.inbox = b""
        self.outbox = b""
        self.busy = False
        """An answer is owed: what came meanwhile waits."""
        self.close_after = False
        self.is_full = False
        """The socket takes no more of the outbox for now."""


class Server:
    def __init__(self, vendor: Vendor, *, host: str, port: int) -> None:
        self._vendor = vendor
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._connections: dict[int, Connection] = {}
        self._ready: list[tuple[Connection, Reply]] = []
        self._later: list[tuple[float, int, Connection, Reply]] = []
        self._postponed = 0
        self._stopping = False
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(self._alarm, select.EPOLLIN)

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
        self._listener.close()
        self._epoll.close()
        os.close(self._alarm)
        self._vendor.ledger.close()

    def _turn(self) -> None:
        for descriptor, events in self._epoll.poll(self._patience(), 512):
            connection = self._connections.get(descriptor)
            if connection is not None:
                self._serve(connection, events)
            elif descriptor == self._listener.fileno():
                self._welcome()
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

    def _welcome(self) -> None:
        while True:
            try:
                accepted, _address = self._listener.accept()
            except OSError:  # nobody is waiting, or there is no descriptor left for him
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[accepted.fileno()] = Connection(accepted)
            self._epoll.register(accepted, READ)

    def _serve(self, connection: Connection, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._push(connection)
            if events & select.EPOLLIN:
                self._receive(connection)
            elif events & GONE:
                self._drop(connection)
        except OSError:
            self._drop(connection)

    def _receive(self, connection: Connection) -> None:
        received = connection.socket.recv(CHUNK)
        connection.inbox += received
        if not received or len(connection.inbox) > MAX_HEAD + MAX_BODY:
            self._drop(connection)
        elif not connection.busy:
            self._understand(connection)

    def _understand(self, connection: Connection) -> None:
        """Takes the next request out of what has come. One at a time: answers keep the order of their requests."""
        try:
            request = read_request(connection.inbox)
        except BadRequest as bad:
            connection.inbox = b""
            self._owe(connection, Reply(answer(bad.status, b'{"error":"bad request"}'), After.CLOSE))
            return
        if request is not None:
            connection.inbox = connection.inbox[request.size :]
            self._owe(connection, self._vendor.reply_to(request))

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
        if connection.inbox and not connection.close_after:
            self._understand(connection)

    def _push(self, connection: Connection) -> None:
        """Sends what the socket takes; the rest when it takes more."""
        try:
            sent = connection.socket.send(connection.outbox)
        except BlockingIOError:
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
