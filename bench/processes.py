"""Processes that a round starts: their output goes to files, one that dies ends the round, all are stopped."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PATIENCE = 20.0


class BenchError(Exception):
    """A round that cannot be counted, in words for the terminal."""


class Process:
    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                command, env=dict(environment), cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def check(self) -> None:
        """Raises BenchError when it is gone."""
        if self.popen.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.popen.returncode}. The end of {self.log}:\n{self.tail()}")

    def peak_mb(self) -> float | None:
        """The highest resident size so far (VmHWM); None where /proc does not tell."""
        with contextlib.suppress(FileNotFoundError, StopIteration):
            lines = Path(f"/proc/{self.popen.pid}/status").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
        return None

    def wait(self, seconds: float = 60.0) -> None:
        """For commands that end by themselves; raises BenchError unless they end well."""
        try:
            code = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self.name} takes longer than {seconds:.0f} s. See {self.log}") from None
        if code:
            raise BenchError(f"{self.name} ended with {code}. The end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@contextlib.contextmanager
def stopping(processes: list[Process]) -> Iterator[None]:
    """SIGTERM to all at the end, SIGKILL to those that do not leave. They drain, as in a real stop."""
    try:
        yield
    finally:
        for process in processes:
            process.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for process in processes:
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
