"""A TCP proxy in front of PostgreSQL that cuts the connection at the COMMIT of a plan: its answer never arrives."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

import psycopg
from django.db import connections

from dispatching.database import connect

PLANNING = b"trigger_receipts"


class CommitCutter:
    """`arrives`: the server gets the COMMIT, and only its answer is lost. Once; then everything passes.

    `marker` is in a statement of the transaction that is meant.
    """

    def __init__(self, *, arrives: bool, marker: bytes = PLANNING) -> None:
        self._arrives = arrives
        self._marker = marker
        self._listener = socket.create_server(("127.0.0.1", 0))
        settings = connections["default"].settings_dict
        self._server = (str(settings["HOST"]), int(settings["PORT"]))
        self.cut = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._listener)
        self._thread.join(5)
        self._listener.close()

    def connect(self) -> psycopg.Connection:
        settings = connections["default"].settings_dict
        before = settings["PORT"]
        settings["PORT"] = self._listener.getsockname()[1]
        try:
            return connect("prism:test:consumer")
        finally:
            settings["PORT"] = before

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                server = socket.create_connection(self._server)
                answers = threading.Thread(target=_pump, args=(server, client), daemon=True)
                answers.start()
                threading.Thread(target=self._forward, args=(client, server, answers), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket, answers: threading.Thread) -> None:
        marked = False
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                marked = marked or self._marker in data
                if marked and not self.cut and b"COMMIT" in data:
                    self.cut += 1
                    _end(client)
                    if self._arrives:
                        server.sendall(data)
                        # The server commits, then finds nobody there.
                        threading.Event().wait(0.2)
                    break
                server.sendall(data)
        _end(server)
        answers.join(5)
        for connection in (client, server):
            connection.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    _end(target)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
