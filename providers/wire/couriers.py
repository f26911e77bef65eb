"""E-mail leaves on threads of its own, one connection each.

libcurl waits inside its own code for the reply to a message and to a QUIT, also under the multi interface (lib/smtp.c:
smtp_done, smtp_disconnect). On the wire's own thread one slow mail server would hold up every vendor; here it holds up
its own connection.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from providers.messages import WireAnswer, WireRequest
from providers.wire import answers, errors
from providers.wire.handles import Policy
from providers.wire.lanes import Item
from providers.wire.letters import Letter
from providers.wire.names import Known

MAX_COURIERS = 512
IDLE_SECONDS = 30.0
"""After which a courier without work says good-bye to its server and ends."""

Route = tuple[str, str, str, bool]
"""What a connection was made for: another login or another encryption needs another one."""


class Courier:
    """A thread and the handle that only it uses."""

    def __init__(self, policy: Policy, report: Callable[[Courier, WireAnswer], None]) -> None:
        self.item: Item
        self.route: Route
        self.announced: Known | None = None
        self.idle_since = 0.0
        self._letter = Letter(policy)
        self._report = report
        self._work: SimpleQueue[tuple[Item, str | None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name="wire-mail", daemon=True).start()

    def give(self, item: Item, resolved: str | None) -> None:
        self.item = item
        self._work.put((item, resolved))

    def dismiss(self) -> None:
        """Ends its thread, after what it is doing; what has not begun to leave stays here."""
        self._letter.is_dismissed = True
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                answer = self._letter.carry(*work)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the one who waits must hear of it
                answer = answers.broken(self._letter.has_begun, errors.OTHER, repr(failure))
            self._report(self, answer)
        self._letter.curl.close()


class Couriers:
    """Owned by the wire's thread; `on_answer` is called on others."""

    def __init__(self, policy: Policy, on_answer: Callable[[], None]) -> None:
        self._policy = policy
        self._on_answer = on_answer
        self._idle: dict[Route, list[Courier]] = {}
        self._busy: set[Courier] = set()
        self._answered: deque[tuple[Courier, WireAnswer]] = deque()
        self._idle_count = 0

    @property
    def busy(self) -> int:
        return len(self._busy)

    @property
    def are_there(self) -> bool:
        return bool(self._busy or self._idle_count)

    def send(self, item: Item, known: Known | None, announcement: str | None) -> WireAnswer | None:
        """Gives it to a courier; an answer at once where none can be had. `announcement`: RESOLVE entry of `known`."""
        route = _route_of(item.request)
        courier = self._take(route)
        if courier is None:
            return answers.unmailed(f"{len(self._busy)} e-mails are on their way already")
        is_news = known is not None and courier.announced is not known
        courier.announced, courier.route = known, route
        self._busy.add(courier)
        courier.give(item, announcement if is_news else None)
        return None

    def take_answered(self, now: float) -> list[tuple[Item, WireAnswer]]:
        """What has been answered since the last call. Couriers that have waited long are let go. `now`: monotonic."""
        answered: list[tuple[Item, WireAnswer]] = []
        while self._answered:
            courier, answer = self._answered.popleft()
            self._busy.discard(courier)
            courier.idle_since = now
            self._idle.setdefault(courier.route, []).append(courier)
            self._idle_count += 1
            answered.append((courier.item, answer))
        if self._idle_count:
            self._dismiss_idle(now - IDLE_SECONDS)
        return answered

    def close(self) -> None:
        for courier in (*self._busy, *(each for idle in self._idle.values() for each in idle)):
            courier.dismiss()
        self._busy.clear()
        self._idle.clear()
        self._idle_count = 0

    def _take(self, route: Route) -> Courier | None:
        """The one that was last there, so that the others' connections age; else a new one, else any other."""
        idle = self._idle.get(route)
        if not idle and len(self._busy) + self._idle_count < MAX_COURIERS:
            with contextlib.suppress(RuntimeError):  # this machine gives no more threads
                return Courier(self._policy, self._note)
        idle = idle or next(iter(self._idle.values()), None)
        if not idle:
            return None
        courier = idle.pop()
        self._idle_count -= 1
        if not idle:
            del self._idle[courier.route]
        return courier

    def _dismiss_idle(self, before: float) -> None:
        for route, idle in list(self._idle.items()):
            while idle and idle[0].idle_since < before:
                idle.pop(0).dismiss()
                self._idle_count -= 1
            if not idle:
                del self._idle[route]

    def _note(self, courier: Courier, answer: WireAnswer) -> None:
        self._answered.append((courier, answer))
        self._on_answer()


def _route_of(request: WireRequest) -> Route:
    envelope = request.envelope
    assert envelope is not None
    return request.url, envelope.username, envelope.password, envelope.starttls
