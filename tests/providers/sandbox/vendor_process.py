"""The sandbox vendor as users run it: the management command in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[3]


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "run_sandbox_vendor", *options]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.checked_settings"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


class SandboxVendor:
    def __init__(self, *options: str) -> None:
        self.process = start(*options)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = line.split()[-1]

    def get(self, path: str) -> Any:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.loads(answer.read())
        finally:
            connection.close()

    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self.get("/log/summary")
        return summary

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
