"""Queues of waiting requests, one per lane, taken in turns: a full lane holds back only its own requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from providers.messages import WireRequest


class Item:
    """One submitted request on its way."""

    __slots__ = ("again", "deadline", "lane", "request", "submitted", "token")

    def __init__(self, token: object, lane: Lane, request: WireRequest, deadline: float, submitted: float) -> None:
        self.token = token
        self.lane = lane
        self.request = request
        self.deadline = deadline
        self.submitted = submitted
        self.again = False
        """Once more, on a connection of its own: the one it was given had been closed before anything left."""


class Lane:
    """`busy` counts what was taken and not given back; it stays at or below `concurrency`."""

    __slots__ = ("busy", "concurrency", "in_turn", "name", "queue")

    def __init__(self, name: str, concurrency: int) -> None:
        self.name = name
        self.concurrency = concurrency
        self.busy = 0
        self.in_turn = False
        self.queue: deque[Item] = deque()


class Lanes:
    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._turns: deque[Lane] = deque()
        self.waiting = 0

    def put(
        self, token: object, name: str, concurrency: int, request: WireRequest, deadline: float, now: float
    ) -> None:
        """Queues a request. The latest `concurrency` counts."""
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(name, concurrency)
        lane.concurrency = concurrency
        lane.queue.append(Item(token, lane, request, deadline, now))
        self.waiting += 1
        self._line_up(lane)

    def take(self) -> Item | None:
        """The next request of the next lane with room, or None. The lane is busy with it until `give_back`."""
        while self._turns:
            lane = self._turns.popleft()
            lane.in_turn = False
            if not lane.queue or lane.busy >= lane.concurrency:
                continue
            lane.busy += 1
            self.waiting -= 1
            item = lane.queue.popleft()
            self._line_up(lane)
            return item
        return None

    def give_back(self, lane: Lane) -> None:
        """One request of the lane has been answered."""
        lane.busy -= 1
        if lane.queue:
            self._line_up(lane)
        elif lane.busy == 0:
            self._lanes.pop(lane.name, None)

    def expire(self, now: float) -> Iterator[Item]:
        """Takes out every waiting request whose deadline has passed; none of them makes its lane busy."""
        for lane in list(self._lanes.values()):
            late = [item for item in lane.queue if item.deadline <= now]
            if late:
                lane.queue = deque(item for item in lane.queue if item.deadline > now)
                self.waiting -= len(late)
                yield from late
                if not lane.queue and lane.busy == 0:
                    self._lanes.pop(lane.name, None)

    def _line_up(self, lane: Lane) -> None:
        if not lane.in_turn and lane.queue and lane.busy < lane.concurrency:
            lane.in_turn = True
            self._turns.append(lane)
