"""How many events wait in Kafka behind the positions, asked of Kafka aside: no page ever waits for its answer."""

from __future__ import annotations

import datetime as dt
import threading
import time

import structlog
from confluent_kafka import KafkaException

from prism.home.numbers import Lag
from prism.offsets import OffsetsUnavailableError, end_offsets

GOOD_FOR_S = 8.0
FORGOTTEN_AFTER_S = 60.0

log = structlog.get_logger("prism.web")

Place = tuple[str, int]


class EndsKeeper:
    """The ends of partitions as last told; asked again, by one thread at a time, when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[Place, int] = {}
        self._asked_at: dt.datetime | None = None
        self._answered = self._tried = float("-inf")
        self._asking: threading.Thread | None = None

    def look(self, places: set[Place], now: dt.datetime) -> tuple[dict[Place, int], dt.datetime] | None:
        """What is known, or None: nothing yet, or nothing for a minute. Starts asking where that is due."""
        with self._lock:
            idle = self._asking is None or not self._asking.is_alive()
            if idle and places and time.monotonic() - self._tried > GOOD_FOR_S:
                self._tried = time.monotonic()
                self._asking = threading.Thread(target=self._ask, args=(places, now), name="kafka-ends", daemon=True)
                self._asking.start()
            if self._asked_at is None or time.monotonic() - self._answered > FORGOTTEN_AFTER_S:
                return None
            return self._ends, self._asked_at

    def wait(self) -> None:
        """Until the question on its way, if there is one, has an answer or none."""
        with self._lock:
            asking = self._asking
        if asking is not None:
            asking.join()

    def _ask(self, places: set[Place], now: dt.datetime) -> None:
        try:
            ends = end_offsets(places)
        except (OffsetsUnavailableError, KafkaException) as error:
            log.warning("kafka_did_not_tell_its_ends", error=str(error))
            return
        with self._lock:
            self._ends, self._asked_at, self._answered = ends, now, time.monotonic()


_keeper = EndsKeeper()


def lag_behind(positions: list[tuple[Place, int]], now: dt.datetime, *, keeper: EndsKeeper = _keeper) -> Lag | None:
    """Records between positions and ends, or None while Kafka has not told. A position is its place's next offset."""
    known = keeper.look({place for place, _offset in positions}, now)
    if known is None:
        return None
    ends, asked_at = known
    return Lag(sum(max(0, ends.get(place, offset) - offset) for place, offset in positions), asked_at)
