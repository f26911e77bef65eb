"""What every resident process does at its start, and what runs beside the senders, said by upper floors without the
lower ones knowing them.

A command of any room tells that it starts; `prism` has registered what follows (the metrics port). The resident sender
has room for threads of other rooms: short work that people or vendors wait for, without a process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Resident = Callable[[threading.Event], None]
"""Runs in a thread of its own until the event is set; trouble never ends it."""

_hooks: list[Callable[[], object]] = []
_residents: dict[str, Resident] = {}


def on_start(hook: Callable[[], object]) -> None:
    """Register once, from AppConfig.ready()."""
    if hook not in _hooks:
        _hooks.append(hook)


def resident_starts() -> None:
    """Call it in the main thread of a resident command, before its threads start."""
    for hook in _hooks:
        hook()


def beside_senders(name: str, resident: Resident) -> None:
    """Register once, from AppConfig.ready()."""
    _residents[name] = resident


def start_beside(stop: threading.Event) -> None:
    """Called by the resident sender. The threads end with its process, or when they are told to."""
    for name, resident in _residents.items():
        threading.Thread(target=resident, args=(stop,), name=name, daemon=True).start()
