"""Prism's own processes, started as an operator would start them: real commands, real signals, real exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.databases import CHECKOUT

MANAGE = (sys.executable, str(CHECKOUT / "manage.py"))


class Worker:
    """One running management command. Its output is in `log`."""

    command: tuple[str, ...] = MANAGE

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self.name = arguments[0]
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*self.command, *arguments],
                env=dict(environment),
                cwd=CHECKOUT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code. Raises when it does not end by itself."""
        return self._process.wait(seconds)

    def terminate(self, seconds: float = 30.0) -> int:
        """SIGTERM, as any supervisor does it; returns the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def kill(self) -> None:
        """kill -9: no handler runs, nothing is flushed."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def wait_for_output(self, text: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.output():
            if self.exit_code is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} did not say {text!r}:\n{self.tail()}")
            time.sleep(0.02)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.output().splitlines()[-lines:])
