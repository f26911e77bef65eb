"""One demo per checkout at a time, and the end of what a killed one left running."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from prism.demo.errors import DemoError
from prism.demo.supervising import MARK
from prism.embedded import locks

PATIENCE_S = 45.0


@contextlib.contextmanager
def only_one(place: Path) -> Iterator[None]:
    """Holds the checkout's demo. A dead holder's lock is gone with it."""
    with locks.open_lock(place / "demo.lock") as file:
        if not locks.try_exclusive(file):
            raise DemoError("A demo of this checkout is running already: stop it with Ctrl-C in its terminal first.")
        yield


def end_leftovers(place: Path, progress: Callable[[str], None]) -> None:
    """Stops processes of an earlier demo of this place that was killed: supervisord first, in order; then the rest."""
    left = marked(place)
    if not left:
        return
    progress(f"An earlier demo was killed: ending the {len(left)} processes it left")
    supervisors = [process for process in left if any("supervisord" in word for word in _command(process))]
    for process in supervisors:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(left, timeout=PATIENCE_S if supervisors else 0)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def marked(place: Path) -> list[psutil.Process]:
    """Known by an environment variable that only they carry, never by a name or a pid alone.

    Some set a title for `ps`, which overwrites where the system keeps their environment: they are known by their
    session, which is supervisord's.
    """
    alive = [process for process in psutil.process_iter() if _is_alive(process)]
    sessions = {_session(process) for process in alive if _mark(process) == str(place)} - {None}
    return [process for process in alive if _session(process) in sessions]


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _mark(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error):
        return process.environ().get(MARK)
    return None


def _session(process: psutil.Process) -> int | None:
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(process.pid)
    return None


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)
