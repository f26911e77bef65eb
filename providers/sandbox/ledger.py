"""What the sandbox vendor accepted, by idempotency key: counted in memory, kept as JSON lines in a file."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter, deque
from pathlib import Path
from typing import Any

import msgspec

RECENT = 50
KEYS_SHOWN = 100


class Accepted(msgspec.Struct, gc=False):
    """One line of the log. `count` says how often this key has been accepted by now: 1 is as it should be."""

    idempotency_key: str
    to: str
    received_at: str
    count: int


class Ledger:
    """Lines are collected by `accept` and reach the file with `flush`, which must come before the answers."""

    def __init__(self, path: Path | None) -> None:
        self.total = 0
        self.repeated = 0
        self.without_key = 0
        self.twice: dict[str, int] = {}
        self.behaviours: Counter[str] = Counter()
        self.recent: deque[Accepted] = deque(maxlen=RECENT)
        self._counts: dict[str, int] = {}
        self._lines: list[bytes] = []
        self._encode = msgspec.json.Encoder().encode
        self._file = -1
        if path is not None:
            self._take_over(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def accept(self, key: str, to: str, now: float) -> int:
        """Counts a message that the vendor took. Returns how often its key has been accepted (1 without a key)."""
        count = self._count(key)
        received_at = dt.datetime.fromtimestamp(now, dt.UTC).isoformat(timespec="milliseconds")
        line = Accepted(key, to, received_at, count)
        self.recent.append(line)
        if self._file >= 0:
            self._lines.append(self._encode(line))
        return count

    def accepted(self, key: str) -> int:
        """How often this key has been accepted."""
        return self._counts.get(key, 0)

    def flush(self) -> None:
        """Writes what is not yet in the file. What the file cannot take is an error, not a loss."""
        if self._lines:
            data = b"\n".join(self._lines) + b"\n"
            self._lines.clear()
            while data:
                data = data[os.write(self._file, data) :]

    def close(self) -> None:
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def summary(self) -> dict[str, Any]:
        """`accepted` counts messages; a key in `accepted_more_than_once` was delivered twice to somebody."""
        return {
            "accepted": self.total,
            "distinct_keys": len(self._counts),
            "accepted_more_than_once": len(self.twice),
            "keys_accepted_more_than_once": dict(list(self.twice.items())[:KEYS_SHOWN]),
            "without_key": self.without_key,
            "repeated": self.repeated,
            "by_behaviour": dict(self.behaviours),
        }

    def _count(self, key: str) -> int:
        self.total += 1
        if not key:
            self.without_key += 1
            return 1
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count > 1:
            self.twice[key] = count
        return count

    def _take_over(self, path: Path) -> None:
        """Goes on from an earlier run's log; a last line that was cut short is left alone."""
        if not path.exists():
            return
        with path.open("rb") as lines:
            for line in lines:
                try:
                    accepted = msgspec.json.decode(line, type=Accepted)
                except msgspec.MsgspecError:
                    continue
                self._count(accepted.idempotency_key)
                self.recent.append(accepted)
