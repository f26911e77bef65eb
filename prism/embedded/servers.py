"""The life of one server, whichever it is: find it or start it on free ports, wait until it answers, stop it."""

from __future__ import annotations

import abc
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from prism.embedded import accounts, ports, processes, records
from prism.embedded.errors import EmbeddedError

Progress = Callable[[str], None]

# Five tries: each moves on to another port if somebody was quicker to take the chosen one.
TRIES = 5
# Recovery after a crash may take long; a server that is alive and recovering is left alone until then.
READY_WITHIN = 300.0
SOCKETS_GONE_WITHIN = 5.0


class Server(abc.ABC):
    """One server below `root`: its record is `root/<name>.json`, its log `root/<name>.log`."""

    name: ClassVar[str]
    title: ClassVar[str]
    # Port name -> the port it gets unless somebody has it.
    preferred_ports: ClassVar[dict[str, int]]
    # (signal, seconds of patience), tried in turn.
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, root: Path, progress: Progress) -> None:
        self.root = root.resolve()
        self.progress = progress
        self.record_path = self.root / f"{self.name}.json"
        self.log = self.root / f"{self.name}.log"
        self.record = records.load(self.record_path)

    @abc.abstractmethod
    def prepare(self) -> None:
        """Makes what the first start needs; safe to repeat after it was cut short at any point."""

    @abc.abstractmethod
    def launch(self) -> int:
        """Writes the configuration for `self.record.ports`, starts the process and returns its pid."""

    @abc.abstractmethod
    def signature(self) -> tuple[str, list[str]]:
        """Program and last arguments of this very server's process; an absolute path of ours is among them."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether it serves a client now."""

    @abc.abstractmethod
    def refresh(self) -> None:
        """Makes a server that already runs take over what changed in its configuration."""

    def running(self) -> processes.Process | None:
        """The live process, also one whose start was cut short before its pid was written down."""
        recorded = self.record.process
        if recorded and processes.is_alive(recorded) and processes.is_running(recorded, *self.signature()):
            return recorded
        return processes.find(*self.signature())

    def ensure(self) -> None:
        """Returns when it serves clients. Data stay; ports stay if they are still free."""
        if self._take_over():
            return
        self.prepare()
        for attempt in range(TRIES):
            self._choose_ports(random.randint(1, 200) if attempt else 0)  # noqa: S311 - to part two that collided
            self.progress(f"Starting {self.title} on port {self.record.ports['main']}")
            process = processes.identify(self.launch())
            accounts.give_to(accounts.owner_of(self.root), self.log)
            self._remember(process)
            if process and self._wait(process):
                return
            if processes.is_alive(process) or "already in use" not in self._end_of_log():
                break
        raise EmbeddedError(f"{self.title} did not start. The end of {self.log}:\n{self._end_of_log()}")

    def _take_over(self) -> bool:
        """Whether it runs already and answers. One that does not is stopped."""
        process = self.running()
        if process is None:
            return False
        if not self.record.ports:
            self.progress(f"{self.title} still runs on files that were removed: stopping it")
        else:
            if self._wait(process):
                self._remember(process)
                self.refresh()
                return True
            self.progress(f"{self.title} does not answer: starting it again")
        self._end(process, *self.stop_signals)
        return False

    def stop(self) -> None:
        if process := self.running():
            self.progress(f"Stopping {self.title}")
            self._end(process, *self.stop_signals)
        self._remember(None)

    def kill(self) -> None:
        """kill -9, as an outage would: for tests of recovery."""
        if process := self.running():
            self._end(process, (signal.SIGKILL, 10))
        self._remember(None)

    def _end(self, process: processes.Process, *signals: tuple[signal.Signals, float]) -> None:
        """The last threads of a killed process hold its sockets for a moment longer than it is seen alive."""
        processes.stop(process, *signals)
        deadline = time.monotonic() + SOCKETS_GONE_WITHIN
        while not all(map(ports.is_free, self.record.ports.values())) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _choose_ports(self, further: int) -> None:
        chosen: dict[str, int] = {}
        for key, preferred in self.preferred_ports.items():
            title = self.title if key == "main" else f"{self.title} ({key})"
            wanted = self.record.ports.get(key, preferred) + further
            chosen[key] = ports.choose(title, wanted, chosen.values(), self.progress)
        self.record.ports = chosen
        records.save(self.record_path, self.record)

    def _remember(self, process: processes.Process | None) -> None:
        if self.record_path.exists() and self.record.process != process:
            self.record.process = process
            records.save(self.record_path, self.record)

    def _wait(self, process: processes.Process) -> bool:
        """True once it answers; False when it died or stays silent for too long."""
        begun = told = time.monotonic()
        while processes.is_alive(process):
            if processes.wake(process):
                self.progress(f"{self.title} was frozen: letting it go on")
            if self.answers():
                return True
            now = time.monotonic()
            if now - begun > READY_WITHIN:
                return False
            if now - told > 5:
                self.progress(f"Waiting for {self.title} ({now - begun:.0f} s)")
                told = now
            time.sleep(0.05)
        return False

    def _end_of_log(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-25:]) or "(empty)"
