"""How far each partition is behind its end, asked of Kafka at most every few seconds, and never by two at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

import msgspec

from prism.offsets import OffsetsUnavailableError, end_offsets

GOOD_FOR_S = 4.0
AFTER_FAILURE_S = 20.0

Partition = tuple[str, int]


class Ends(msgspec.Struct, frozen=True):
    """The next offset of each partition; `problem` says why there are none."""

    offsets: dict[Partition, int] = {}
    problem: str = ""


_lock = threading.Lock()
_known: tuple[float, Ends] = (0.0, Ends())


def ends_of(partitions: Collection[Partition]) -> Ends:
    """What is known, asked again where it is old. A page never waits behind another page's question."""
    global _known  # noqa: PLW0603 - one answer per process, whoever asks
    until, ends = _known
    stale = time.monotonic() > until or not set(partitions) <= ends.offsets.keys() | _without(ends, partitions)
    if not partitions or not stale or not _lock.acquire(blocking=False):
        return ends
    try:
        ends = Ends(end_offsets(partitions))
        _known = time.monotonic() + GOOD_FOR_S, ends
    except OffsetsUnavailableError as error:
        ends = Ends(problem=str(error))
        _known = time.monotonic() + AFTER_FAILURE_S, ends
    finally:
        _lock.release()
    return ends


def _without(ends: Ends, partitions: Collection[Partition]) -> set[Partition]:
    """After a failure nothing is known of any: asking again at once would only wait again."""
    return set(partitions) if ends.problem else set()
