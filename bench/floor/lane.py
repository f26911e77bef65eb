"""The one lane of the floor: slots, planned batches waiting for them, and the queues between the threads."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections import deque

from bench.floor.records import Batch, Job, Sent

SLOTS, BATCH, AHEAD = 256, 64, 512


class Lane:
    """Slots bound what is released and not recorded."""

    def __init__(self) -> None:
        self.to_wire: deque[Job] = deque()
        self.to_record: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        self.stopping = threading.Event()
        # The wire sleeps in select(): a byte here wakes it.
        self.bell, self._doorbell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._changed = threading.Condition()
        self._free = SLOTS
        self._waiting: deque[Batch] = deque()
        self._ahead = 0

    def reserve(self, batches: list[Batch]) -> int:
        """How many of a plan's batches may be released with it; their slots are taken."""
        with self._changed:
            count = 0
            while not self._waiting and count < len(batches) and batches[count].left <= self._free:
                self._free -= batches[count].left
                count += 1
            return count

    def queue(self, batches: list[Batch]) -> None:
        """Committed, not released: they wait in line."""
        with self._changed:
            self._waiting.extend(batches)
            self._ahead += sum(batch.left for batch in batches)

    def give_back(self, recorded: int) -> list[Batch]:
        """Slots of recorded jobs are free. Returns the batches that take them now."""
        with self._changed:
            self._free += recorded
            chosen = []
            while self._waiting and self._waiting[0].left <= self._free:
                chosen.append(batch := self._waiting.popleft())
                self._free -= batch.left
                self._ahead -= batch.left
            self._changed.notify_all()
            return chosen

    def wait_for_room(self, timeout: float) -> bool:
        """False while too much is planned ahead."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ahead < AHEAD, timeout)

    def send(self, batches: list[Batch]) -> None:
        """Their release is committed: to the wire."""
        if batches:
            for batch in batches:
                self.to_wire.extend(batch.jobs)
                batch.jobs = []
            with contextlib.suppress(BlockingIOError):
                os.write(self._doorbell, b"\0")
