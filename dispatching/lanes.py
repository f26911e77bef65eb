"""How much of a lane's traffic one process holds: slots, what waits for them, and when it is closed (decision 15).

Slots bound what is released and not recorded, hence what can become UNKNOWN when the process dies. Planning,
recording and the wire share this object, so every method takes its lock; none does I/O. A lane is closed by its own
back-off after something never left this host, and by its provider's circuit, which all processes share.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from threading import Condition

from dispatching.circuit_rows import Shut
from dispatching.parcels import Batch, LaneKey
from providers.circuits import UNAVAILABLE, State
from providers.settings import ProviderSettings

BATCH_LIMIT = 64
AHEAD_PER_SLOT = 4
"""A lane may hold this many planned dispatches per slot before planned rows become due rows."""
RECOVERED = 0.5
BACK_OFF_FIRST, BACK_OFF_CAP = 1.0, 30.0


def batch_limit(settings: ProviderSettings) -> int:
    """No batch is larger; a request never holds more than its batch."""
    return max(BATCH_LIMIT, settings.batch_size)


class Lane:
    """State of one lane in this process. Only `Lanes` touches it."""

    __slots__ = (
        *("ahead", "ahead_count", "back_off", "closed_until", "key", "settings", "shut_until", "slow", "tokens"),
        "used",
    )

    def __init__(self, key: LaneKey, settings: ProviderSettings) -> None:
        self.key = key
        self.settings = settings
        self.used = 0
        self.ahead: deque[Batch] = deque()
        self.ahead_count = 0
        self.slow = False
        self.back_off = 0.0
        self.closed_until = 0.0
        self.shut_until = 0.0
        """Its provider's circuit: the end of a hold, or never by itself."""
        self.tokens = 0

    @property
    def batch_size(self) -> int:
        """At most 64 or what fills a request, a quarter of the slots, and what the pace lets go in a second."""
        size = min(batch_limit(self.settings), max(1, self.settings.slots // 4))
        return max(1, min(size, self.settings.per_minute // 60)) if self.settings.per_minute else size

    @property
    def free(self) -> int:
        return self.settings.slots - self.used

    @property
    def ahead_limit(self) -> int:
        return self.settings.slots * AHEAD_PER_SLOT

    @property
    def open(self) -> bool:
        return time.monotonic() >= max(self.closed_until, self.shut_until)

    @property
    def takes_turns(self) -> bool:
        """Nothing of it is released by a plan: pace and spacing are asked for where batches are released."""
        return bool(self.settings.per_minute or self.settings.spacing_s)


class Lanes:
    """All lanes of a process."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}
        self._shut: dict[str, tuple[Shut, float]] = {}
        self._unavailable: frozenset[str] = frozenset()
        self._changed = Condition()

    def lane(self, key: LaneKey, settings: ProviderSettings) -> Lane:
        """The lane, with the provider's newest settings."""
        with self._changed:
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = Lane(key, settings)
                lane.shut_until = self._shut_until(key.provider_id)
            lane.settings = settings
            return lane

    def show(self, shut: Sequence[Shut]) -> None:
        """The circuits that are not closed, as they were read just now."""
        now = time.monotonic()
        with self._changed:
            before = self._shut.keys()
            self._shut = {one.provider_id: (one, now + one.wait_s) for one in shut}
            self._unavailable = frozenset(one.provider_id for one in shut if one.state in UNAVAILABLE)
            for lane in self._lanes.values():
                lane.shut_until = self._shut_until(lane.key.provider_id)
            if before - self._shut.keys():
                self._changed.notify_all()

    def unavailable(self) -> frozenset[str]:
        """Providers whose circuit is open or paused: another one of the campaign takes over, where there is one."""
        return self._unavailable

    def state_of(self, provider_id: str) -> State:
        with self._changed:
            found = self._shut.get(provider_id)
            if found is None or (found[0].state is State.HELD and found[1] <= time.monotonic()):
                return State.CLOSED
            return found[0].state

    def wait_of(self, provider_id: str) -> float:
        """Seconds until the provider's hold ends or its next probe, as far as this process knows; 0: none."""
        with self._changed:
            found = self._shut.get(provider_id)
            return max(0.0, found[1] - time.monotonic()) if found else 0.0

    def is_probe_due(self, provider_id: str) -> bool:
        """Whether it is worth asking for the probe."""
        with self._changed:
            found = self._shut.get(provider_id)
            return bool(
                found and found[0].state in UNAVAILABLE and not found[0].is_probed and found[1] <= time.monotonic()
            )

    def reserve(self, lane: Lane, count: int) -> bool:
        """Take slots for a batch that may be released at once; False where it must wait its turn."""
        with self._changed:
            if lane.free < count or lane.ahead or lane.takes_turns or not lane.open:
                return False
            lane.used += count
            return True

    def queue(self, batches: list[Batch]) -> None:
        """Hold planned, unreleased batches of this process until slots are free."""
        with self._changed:
            for batch in batches:
                lane = self._lanes[batch.lane]
                lane.ahead.append(batch)
                lane.ahead_count += len(batch.parcels)

    def room_ahead(self, lane: Lane) -> int:
        with self._changed:
            return 0 if lane.slow or not lane.open else lane.ahead_limit - lane.ahead_count

    def free_slots(self, lane: Lane) -> int:
        """What a sender may claim now: nothing while the lane backs off or older batches wait."""
        with self._changed:
            return 0 if lane.ahead or not lane.open else lane.free

    def take(self, lane: Lane, count: int) -> None:
        with self._changed:
            lane.used += count

    def give_back(self, counts: dict[LaneKey, int]) -> None:
        """Slots of recorded (or never sent) dispatches are free again."""
        with self._changed:
            for key, count in counts.items():
                self._lanes[key].used -= count
            self._changed.notify_all()

    def next_batches(self, freed: dict[LaneKey, int]) -> list[Batch]:
        """Waiting batches that fit the free slots (and tokens, where paced), oldest first; their slots are taken.

        `freed` are slots that the caller's transaction frees by recording: they pass to these batches directly, and
        only what remains is given back after COMMIT, so that released and unrecorded rows never exceed the slots.
        """
        chosen: list[Batch] = []
        with self._changed:
            for lane in self._lanes.values():
                if not lane.ahead or not lane.open:
                    continue
                extra = freed.get(lane.key, 0)
                while lane.ahead and self._fits(lane, extra) and self._affords(lane):
                    batch = lane.ahead.popleft()
                    lane.ahead_count -= len(batch.parcels)
                    lane.used += len(batch.parcels)
                    chosen.append(batch)
                self._recover(lane)
            if chosen:
                self._changed.notify_all()
        return chosen

    def drain_ahead(self) -> list[Batch]:
        """Take everything that was planned and not released (the process leaves or spills a lane)."""
        with self._changed:
            batches = [batch for lane in self._lanes.values() for batch in lane.ahead]
            for lane in self._lanes.values():
                lane.ahead.clear()
                lane.ahead_count = 0
            return batches

    def drain_closed(self) -> list[Batch]:
        """What waits in lanes that back off, and batches larger than their lane's pace now allows (its tokens come a
        few at a time): both go to the due rows, where `not_after` watches over them."""
        with self._changed:
            batches: list[Batch] = []
            for lane in self._lanes.values():
                while lane.ahead and (not lane.open or self._is_oversized(lane)):
                    batch = lane.ahead.popleft()
                    lane.ahead_count -= len(batch.parcels)
                    batches.append(batch)
                self._recover(lane)
            return batches

    def back_off(self, key: LaneKey) -> float:
        """Nothing of a request left this host: close the lane for a while. Returns the seconds."""
        with self._changed:
            lane = self._lanes[key]
            if lane.open:
                lane.back_off = min(BACK_OFF_CAP, lane.back_off * 2 or BACK_OFF_FIRST)
                lane.closed_until = time.monotonic() + lane.back_off
            return max(BACK_OFF_FIRST, lane.closed_until - time.monotonic())

    def recovered(self, key: LaneKey) -> None:
        with self._changed:
            self._lanes[key].back_off = 0.0

    def paced_waiting(self) -> list[tuple[Lane, int]]:
        """Paced lanes that could send if they had tokens, and how many they want for the next second."""
        with self._changed:
            return [
                (lane, min(len(lane.ahead[0].parcels), lane.free) - lane.tokens)
                for lane in self._lanes.values()
                if lane.settings.per_minute and lane.ahead and lane.open and lane.tokens < len(lane.ahead[0].parcels)
            ]

    def add_tokens(self, lane: Lane, tokens: int) -> None:
        with self._changed:
            lane.tokens += tokens

    def return_tokens(self, key: LaneKey, tokens: int) -> None:
        """Of dispatches that were not released after all."""
        with self._changed:
            lane = self._lanes[key]
            if lane.settings.per_minute:
                lane.tokens += tokens

    def wait_for_room(self, timeout: float) -> bool:
        """Hold the planner while its lanes drain. A lane that gives no room in `timeout` seconds is slow: from then
        on its rows become due rows and nobody waits for it until half of what it holds is gone."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                full = [
                    lane for lane in self._lanes.values() if not lane.slow and lane.ahead_count >= lane.ahead_limit // 2
                ]
                if not full:
                    return True
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self._changed.wait(remaining):
                    for lane in full:
                        lane.slow = True
                    return False

    def wait_for_change(self, timeout: float) -> None:
        """Until slots come free somewhere, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait(timeout)

    def on_the_wire(self, provider_id: str, returned: int) -> int:
        """How many messages to a provider are out at most, after `returned` of those that hold slots came back."""
        with self._changed:
            lanes = [lane for lane in self._lanes.values() if lane.key.provider_id == provider_id]
            held = sum(lane.used for lane in lanes) - returned
            return max(0, min(held, sum(lane.settings.concurrency for lane in lanes)))

    def in_flight(self) -> int:
        with self._changed:
            return sum(lane.used for lane in self._lanes.values())

    def held(self) -> int:
        with self._changed:
            return sum(lane.used + lane.ahead_count for lane in self._lanes.values())

    def view(self) -> list[dict[str, object]]:
        """For the worker's detail, metrics and doctor."""
        with self._changed:
            return [
                {
                    "lane": str(lane.key),
                    "slots": lane.settings.slots,
                    "used": lane.used,
                    "ahead": lane.ahead_count,
                    "slow": lane.slow,
                    "closed": not lane.open,
                    "circuit": self._shut[lane.key.provider_id][0].state.value
                    if lane.key.provider_id in self._shut
                    else "",
                }
                for lane in self._lanes.values()
            ]

    def _shut_until(self, provider_id: str) -> float:
        found = self._shut.get(provider_id)
        if found is None:
            return 0.0
        return math.inf if found[0].state in UNAVAILABLE else found[1]

    @staticmethod
    def _recover(lane: Lane) -> None:
        if lane.slow and lane.ahead_count <= lane.ahead_limit * RECOVERED:
            lane.slow = False

    @staticmethod
    def _is_oversized(lane: Lane) -> bool:
        return bool(lane.settings.per_minute) and len(lane.ahead[0].parcels) > lane.batch_size

    @staticmethod
    def _fits(lane: Lane, extra: int) -> bool:
        # An empty lane takes any batch: the provider's slots may have been lowered after it was planned.
        return lane.used - extra <= 0 or lane.free + extra >= len(lane.ahead[0].parcels)

    @staticmethod
    def _affords(lane: Lane) -> bool:
        if not lane.settings.per_minute:
            return True
        count = len(lane.ahead[0].parcels)
        if lane.tokens < count:
            return False
        lane.tokens -= count
        return True
