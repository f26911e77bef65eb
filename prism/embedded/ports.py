"""Finds TCP ports on 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection

from prism.embedded.errors import EmbeddedError

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen there now; connections that are only timing out do not count as busy."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def choose(name: str, preferred: int, taken: Collection[int], progress: Callable[[str], None]) -> int:
    """The preferred port, else the next free one above it, said aloud."""
    for port in range(preferred, min(preferred + 500, 65_536)):
        if port not in taken and is_free(port):
            if port != preferred:
                progress(f"Port {preferred} is busy: {name} takes {port}")
            return port
    raise EmbeddedError(f"No free port for {name} between {preferred} and {preferred + 500}.")
