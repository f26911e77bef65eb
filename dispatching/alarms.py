"""What is told the moment it happens (contract.md, Providers): dead letters, with how many and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import structlog

from dispatching.results import Move
from dispatching.statuses import Status

log = structlog.get_logger("prism.dispatching")


def tell_dead_letters(moves: Iterable[Move]) -> None:
    """One line per micro-batch with dead letters in it."""
    dead = Counter((move.lane_provider, move.reason) for move in moves if move.status is Status.FAILED)
    if dead:
        letters = [{"provider": provider, "reason": reason, "count": n} for (provider, reason), n in dead.items()]
        log.error("dead_letters", result="failure", metadata={"letters": letters})
