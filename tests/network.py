"""Keeps tests on this machine: a connection to anywhere but 127.0.0.1 fails at once and says so."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

LOCAL = {"127.0.0.1", "::1", "localhost"}


def close_to_the_outside() -> None:
    """Covers Python's own sockets. libpq, librdkafka and libcurl go where the test's settings send them."""
    for method in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(original, "is_guard", False):
        return original

    def guard(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOCAL:
            raise AssertionError(f"a test tried to reach {address[0]}: only this machine is allowed")
        return original(self, *arguments)

    guard.is_guard = True  # type: ignore[attr-defined]  # marks the wrapper, so that it is never wrapped again
    return guard
