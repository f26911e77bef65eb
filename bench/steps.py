"""Where a thread's time goes, step by step: CPU seconds and wall seconds, read once per batch."""

from __future__ import annotations

import json
import resource
import time


class Steps:
    """One thread's clock. `begin` starts a round; each `mark` books the time since the last one on a step."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}
        self.events = 0
        self.rounds = 0
        self.begin()

    def begin(self) -> None:
        self._cpu, self._wall = time.thread_time(), time.perf_counter()

    def mark(self, step: str, events: int = 0) -> None:
        cpu, wall = time.thread_time(), time.perf_counter()
        self.cpu[step] = self.cpu.get(step, 0.0) + cpu - self._cpu
        self.wall[step] = self.wall.get(step, 0.0) + wall - self._wall
        self._cpu, self._wall = cpu, wall
        if events:
            self.events += events
            self.rounds += 1

    def told(self) -> dict[str, object]:
        """Microseconds per event and step, and the mean batch."""
        each = 1e6 / max(1, self.events)
        return {
            "events": self.events,
            "batch": round(self.events / max(1, self.rounds), 1),
            "cpu_us": {step: round(seconds * each, 1) for step, seconds in self.cpu.items()},
            "wall_us": {step: round(seconds * each, 1) for step, seconds in self.wall.items()},
        }


def tell(**threads: Steps) -> None:
    """Prints one line of JSON: the process's CPU seconds and peak memory, and the steps of its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    told = {name: steps.told() for name, steps in threads.items()}
    line = {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024, "steps": told}
    print(json.dumps(line), flush=True)
