"""The web process as it is run for real: Granian on a port of its own, the web role, API keys over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from tests.journeys.processes import Worker


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: Any


class WebProcess(Worker):
    """Answers when it is made. `kill` is -9, with everything that was being answered."""

    command = (sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1")

    def __init__(self, environment: Mapping[str, str], log: Path, *, port: int = 0) -> None:
        self.port = port or free_port()
        arguments = ("--port", str(self.port), "--blocking-threads", "8", "--no-ws", "prism.wsgi:application")
        super().__init__(arguments, {**environment, "ALLOWED_HOSTS": "127.0.0.1"}, log)
        self.name = "web"
        self._wait_until_it_answers()

    def post(self, path: str, body: Any, key: str, **headers: str) -> Answer:
        """Raises OSError or HTTPException where the process ends before it has answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
            connection.request("POST", f"/api/{path}", json.dumps(body), given)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), json.loads(answer.read()))
        finally:
            connection.close()

    def kill(self) -> None:
        """With the process that answers: its parent alone would leave it behind."""
        place = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        children = [int(child) for child in place.read_text().split()] if place.exists() else []
        super().kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 90
        while not self._answers():
            if self.exit_code is not None or time.monotonic() > deadline:
                raise AssertionError(f"the web process does not answer:\n{self.tail()}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
