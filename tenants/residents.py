"""What every resident process does at its start, said by the top floor without the lower ones knowing it.

A command of any room tells that it starts; `prism` has registered what follows (the metrics port).
"""

from __future__ import annotations

from collections.abc import Callable

_hooks: list[Callable[[], object]] = []


def on_start(hook: Callable[[], object]) -> None:
    """Register once, from AppConfig.ready()."""
    if hook not in _hooks:
        _hooks.append(hook)


def resident_starts() -> None:
    """Call it in the main thread of a resident command, before its threads start."""
    for hook in _hooks:
        hook()
