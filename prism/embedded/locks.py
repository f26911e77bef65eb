"""Advisory file locks: one start or stop at a time, and who uses the services. A dead holder's lock is gone with it."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from prism.embedded.accounts import give_to, owner_of
from prism.embedded.errors import EmbeddedError

# Longer than the slowest first start (a download on a thin line).
PATIENCE = 900.0


def open_lock(path: Path) -> IO[str]:
    try:
        file = path.open("a+")
    except PermissionError:
        raise EmbeddedError(f"{path.parent} belongs to another user: run as that user, or remove it.") from None
    give_to(owner_of(path.parent), path)
    return file


@contextlib.contextmanager
def exclusive(path: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Waits for its turn, saying so once."""
    with open_lock(path) as file:
        deadline = time.monotonic() + PATIENCE
        told = False
        while not try_exclusive(file):
            if not told:
                progress("Another process is starting or stopping the services: waiting for it")
                told = True
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{path} has been locked by another process for {PATIENCE:.0f} s.")
            time.sleep(0.05)
        yield


def share(file: IO[str]) -> None:
    fcntl.flock(file, fcntl.LOCK_SH)


def try_exclusive(file: IO[str]) -> bool:
    """Turns a shared lock into the only one, if nobody else holds one; a failed try may lose the shared lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
