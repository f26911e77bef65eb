"""The web process as it is deployed: granian, the web role, this test process's database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from prism import probe
from tests.databases import CHECKOUT

PATIENCE_S = 60


class Website:
    """One for all tests of a process: each test's fresh database has the same name."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = log
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws"]
        command += ["--port", str(self.port), "--blocking-threads", "4", "prism.wsgi:application"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=CHECKOUT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
            )

    def wait_until_ready(self) -> None:
        """Also after the database was replaced: connections to the one before are noticed and opened anew."""
        end = time.monotonic() + PATIENCE_S
        told = ""
        while time.monotonic() < end and self._process.poll() is None:
            ready, told = probe.ask(f"{self.address}/readyz")
            if ready:
                return
            time.sleep(0.1)
        raise AssertionError(f"the web process is not ready: {told}\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
