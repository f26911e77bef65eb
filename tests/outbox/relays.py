"""Relays that run in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from outbox.relay import Options, Relay


class RunningRelay:
    """A relay in a thread; `stop` waits for its end and raises what it raised."""

    def __init__(self, options: Options) -> None:
        self._asked = threading.Event()
        self._failure: BaseException | None = None
        self.relay = Relay(options, stopping=self._asked.is_set)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.relay.run()
        except BaseException as error:  # noqa: BLE001 - told to the test by stop()
            self._failure = error

    def stop(self) -> None:
        self._asked.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._failure:
            raise self._failure


def relay_until_idle() -> None:
    """Publishes everything that waits and comes back."""
    Relay(Options(lease_seconds=3, idle_exit=0), stopping=lambda: False).run()


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
