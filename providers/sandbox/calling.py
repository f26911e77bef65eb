"""Makes the sandbox's calls to us, on a thread of its own; a call that fails is counted and forgotten."""

from __future__ import annotations

import heapq
import http.client
import threading
import time
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from providers.sandbox.callbacks import Callback
from providers.sandbox.reporting import Due

PATIENCE_S = 10


class Caller:
    """`put` from any thread. `answers` counts by HTTP status; 0 stands for no answer."""

    def __init__(self) -> None:
        self.answers: dict[int, int] = {}
        self._waiting: list[tuple[float, int, Callback]] = []
        self._number = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sandbox-caller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is not yet due stays unsaid."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(PATIENCE_S + 1)

    def put(self, due: Sequence[Due]) -> None:
        now = time.monotonic()
        with self._changed:
            for each in due:
                self._number += 1
                heapq.heappush(self._waiting, (now + each.after_s, self._number, each.callback))
            self._changed.notify()

    def _run(self) -> None:
        while (callback := self._next()) is not None:
            status = call(callback)
            self.answers[status] = self.answers.get(status, 0) + 1

    def _next(self) -> Callback | None:
        with self._changed:
            while not self._stopping:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait)
        return None


def call(callback: Callback) -> int:
    """Makes one call. Returns the status, 0 where there was no answer."""
    parts = urlsplit(callback.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE_S)
    path = quote(parts.path or "/", safe="/%:@") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(callback.method, path, callback.body, dict(callback.headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
