"""Starts, recognises and stops server processes, and never touches one that it did not start."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import msgspec
import psutil

from prism.embedded.accounts import Account, run_as
from prism.embedded.errors import EmbeddedError


class Process(msgspec.Struct, frozen=True):
    """A pid with the moment it was born, so that a reused pid is never taken for ours."""

    pid: int
    born: str


def spawn(command: list[str], *, log: Path, account: Account | None) -> int:
    """Starts a detached process in a session of its own and returns its pid.

    The shell in between leaves at once, so the server is init's child: it outlives us and we owe it no wait().
    """
    line = '"$@" </dev/null >&2 & echo $!'
    with log.open("ab") as output:
        answer = subprocess.run(
            ["/bin/sh", "-c", line, "sh", *command],
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            **run_as(account),
        )
    return int(answer.stdout)


def identify(pid: int) -> Process | None:
    """The process as it is now; None when it is gone or a zombie (in a container nobody may ever reap those)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Process(pid, _born(process))
    except psutil.NoSuchProcess:
        return None


def is_alive(process: Process | None) -> bool:
    return process is not None and identify(process.pid) == process


def is_running(process: Process, program: str, arguments: list[str]) -> bool:
    """Whether it is this program, called with these last arguments."""
    try:
        command = psutil.Process(process.pid).cmdline()
    except psutil.Error:
        return False
    return bool(command) and Path(command[0]).name == program and command[-len(arguments) :] == arguments


def find(program: str, arguments: list[str]) -> Process | None:
    """A process that nobody wrote down, known by a command line that names an absolute path of ours."""
    for candidate in psutil.process_iter(["name"]):
        process = identify(candidate.pid) if candidate.info["name"] == program else None
        if process and is_running(process, program, arguments):
            return process
    return None


def wake(process: Process) -> bool:
    """Lets a process go on that somebody froze with SIGSTOP; whether there was need to."""
    with contextlib.suppress(psutil.Error):
        if psutil.Process(process.pid).status() == psutil.STATUS_STOPPED:
            psutil.Process(process.pid).send_signal(signal.SIGCONT)
            return True
    return False


def working_in(directory: Path) -> list[Process]:
    """Processes whose current directory is this one: PostgreSQL's backends, also after their parent was killed."""
    found = []
    for candidate in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if candidate.cwd() == str(directory) and (process := identify(candidate.pid)):
                found.append(process)
    return found


def stop(process: Process, *signals: tuple[signal.Signals, float]) -> None:
    """Sends each (signal, seconds of patience) in turn until the process is gone."""
    for number, patience in signals:
        if not is_alive(process):
            return
        try:
            psutil.Process(process.pid).send_signal(number)
            psutil.Process(process.pid).send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied:
            raise EmbeddedError(
                f"Process {process.pid} belongs to another user: stop it as that user or as root."
            ) from None
        if wait_until_gone(process, patience):
            return
    raise EmbeddedError(f"Process {process.pid} does not end, not even after SIGKILL.")


def wait_until_gone(process: Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _born(process: psutil.Process) -> str:
    """Exact on Linux (ticks since this boot); elsewhere psutil's start time."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{process.pid}/stat").read_text()
    except FileNotFoundError:
        return str(process.create_time())
    return f"{boot}:{stat.rpartition(')')[2].split()[19]}"
