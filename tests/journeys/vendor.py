"""The sandbox vendor as a process, and its own log: what really arrived, however Prism remembers it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.journeys.processes import Worker

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Accepted(msgspec.Struct, frozen=True):
    """A line of the log. The idempotency key is the dispatch's id."""

    idempotency_key: str
    to: str
    received_at: str
    count: int


class Vendor:
    def __init__(self, worker: Worker, log: Path) -> None:
        self.worker = worker
        self._log = log
        worker.wait_for_output("http://")
        found = ADDRESS.search(worker.output())
        assert found, worker.output()
        self.port = int(found.group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    @classmethod
    def begin(cls, start: Callable[..., Worker], log: Path, *options: str, port: int = 0) -> Vendor:
        """A vendor that listens. `log` may be an earlier one's: it goes on."""
        return cls(start("run_sandbox_vendor", "--port", str(port), "--log", str(log), *options), log)

    def accepted(self) -> list[Accepted]:
        """Everything taken, in order; a line that is being written is left for the next look."""
        lines = self._log.read_bytes().split(b"\n")[:-1] if self._log.exists() else []
        return [msgspec.json.decode(line, type=Accepted) for line in lines]

    def counts(self) -> Counter[str]:
        """How often each dispatch was taken: anything above 1 is a message that somebody got twice."""
        return Counter(line.idempotency_key for line in self.accepted())


def phone(code: int, number: int = 0) -> str:
    """A recipient that makes the sandbox behave: `phone(400)` is refused, `phone(802)` hangs after it was taken."""
    return f"+55{11900 + number}0000{code:03d}"
