"""The wire: every request of a process over libcurl's multi interface, driven by the one thread that calls poll()."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

import certifi
import pycurl

from providers.messages import WireAnswer, WireRequest
from providers.wire import answers
from providers.wire.couriers import Couriers
from providers.wire.handles import TLS_VERSIONS, Policy
from providers.wire.lanes import Item, Lanes
from providers.wire.names import Known, Names, Resolve, system_resolve
from providers.wire.targets import Target, target_of
from providers.wire.transfers import Shape, Transfer
from providers.wire.watching import Watch

SWEEP_SECONDS = 0.1
"""How soon a request that waits behind a full lane or a look-up is handed back after its deadline."""
MAX_IDLE_SECONDS = 4
"""Below the shortest idle time-out in wide use (Node.js: 5 s): a connection that the vendor is just closing turns a
send into an unknown one, and a new handshake is cheap at such a pace."""
MAX_CONNECTIONS_KEPT = 1024
MAX_FINISHED = 1024


def boottime() -> float:
    """Seconds since boot, counted through suspension too: a frozen machine cannot believe that no time went by."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Wire:
    """Owned by one thread, all but `wake()`.

    `deadline`s are read on `clock`. `resolve` is the name look-up, run on threads; `out` takes what goes to `console:`.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        clock: Callable[[], float] = boottime,
        min_tls: str = "1.2",
        ca_file: str | None = None,
        max_idle_s: int = MAX_IDLE_SECONDS,
        resolve: Resolve = system_resolve,
        out: TextIO | None = None,
    ) -> None:
        if min_tls not in TLS_VERSIONS:
            raise ValueError(f"min_tls is {min_tls!r}; known: {', '.join(TLS_VERSIONS)}")
        self._policy = Policy(allow_private, min_tls, ca_file or certifi.where(), max_idle_s, clock)
        self._clock = clock
        self._out = out
        self._lanes = Lanes()
        self._watch = Watch()
        self._names = Names(resolve, self._watch.wake)
        self._parked: dict[str, list[tuple[Item, Target]]] = {}
        self._announced: dict[tuple[str | None, int], Known] = {}
        self._pools: dict[tuple[str, bool, bool, bool, bool], list[Transfer]] = {}
        self._running: set[Transfer] = set()
        self._couriers = Couriers(self._policy, self._watch.wake)
        self._answers: list[tuple[object, WireAnswer]] = []
        self._next_sweep = 0.0
        self._owner = 0
        self._is_closed = False
        self._multi: Any = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, MAX_CONNECTIONS_KEPT)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch.on_socket)

    @property
    def in_flight(self) -> int:
        """Requests that libcurl is working on."""
        return len(self._running) + self._couriers.busy

    @property
    def queued(self) -> int:
        """Requests that wait for room in their lane or for the address of their host."""
        return self._lanes.waiting + sum(map(len, self._parked.values()))

    def submit(self, token: object, lane: str, concurrency: int, request: WireRequest, deadline: float) -> None:
        """Queues a request. No byte of it leaves after `deadline` (seconds of the wire's clock): it is then answered
        with error `deadline` and left=False. `token` comes back from poll() beside the answer."""
        if concurrency < 1:
            raise ValueError("a lane needs room for one request at least")
        self._lanes.put(token, lane, concurrency, request, deadline, time.monotonic())

    def poll(self, timeout: float) -> list[tuple[object, WireAnswer]]:
        """Starts what may start, drives what is under way, and returns what has been answered: at once where there is
        something, else after `timeout` seconds at most, or on wake()."""
        self._own()
        end = time.monotonic() + timeout
        while True:
            self._launch()
            woken = self._drive(0.0 if self._answers else end - time.monotonic())
            if self._answers or woken or time.monotonic() >= end:
                break
        # What has room now is on its way while the caller reads the answers.
        self._launch()
        answered, self._answers = self._answers, []
        return answered

    def wake(self) -> None:
        """Ends the current or next poll(). From any thread, at any time, also after close()."""
        self._watch.wake()

    def close(self) -> None:
        """Drops everything at once; what is under way stays unanswered."""
        if self._is_closed:
            return
        self._is_closed = True
        for transfer in self._running:
            self._multi.remove_handle(transfer.curl)
        self._multi.close()
        self._couriers.close()
        for transfer in (*self._running, *(each for pool in self._pools.values() for each in pool)):
            transfer.curl.close()
        self._running.clear()
        self._pools.clear()
        self._watch.close()

    def _own(self) -> None:
        thread = threading.get_ident()
        if self._owner != thread:
            if self._owner:
                raise RuntimeError("a wire belongs to the thread that first polled it")
            self._owner = thread

    # Starting

    def _launch(self) -> None:
        if self._lanes.waiting:
            # Finds connections that the vendor has closed since they were last used, before one is used again.
            self._drive(0.0)
        now = time.monotonic()
        if self._couriers.are_there:
            for mailed, answer in self._couriers.take_answered(now):
                self._settle(mailed, answer)
        for host in self._names.take_found(now):
            for parked, target in self._parked.pop(host, ()):
                self._start(parked, target, now)
        while (item := self._lanes.take()) is not None:
            self._start(item, target_of(item.request.url), now)
        if now >= self._next_sweep and self.queued:
            self._next_sweep = now + SWEEP_SECONDS
            self._sweep(now)
        if self._multi.timeout() == 0:
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
            self._collect()

    def _start(self, item: Item, target: Target, now: float) -> None:
        """Hands a request to libcurl, parks it until its host is known, or answers it."""
        if target.problem is not None:
            return self._settle(item, answers.invalid(target.problem))
        if target.is_console:
            return self._print(item)
        known = None
        if target.host is not None:
            known = self._names.look_up(target.host, now)
            if known is None:
                self._parked.setdefault(target.host, []).append((item, target))
                return None
            if known.error:
                return self._settle(item, answers.unresolved(known.error))
        return self._add(item, target, known, now)

    def _add(self, item: Item, target: Target, known: Known | None, now: float) -> None:
        if self._clock() >= item.deadline:
            return self._settle(item, answers.late())
        request = item.request
        if request.envelope is not None:
            return self._mail(item, target, known)
        shape = (
            request.method,
            bool(request.body),
            request.wants_headers,
            request.http2,
            request.signing is not None,
        )
        pool = self._pools.get(shape)
        if pool is None:
            pool = self._pools[shape] = []
        transfer = pool.pop() if pool else Transfer(Shape(*shape), self._policy)
        is_news = known is not None and self._announced.get((target.host, target.port)) is not known
        try:
            transfer.load(item, _announcement(target, known) if known is not None and is_news else None)
        except (pycurl.error, ValueError, TypeError) as failure:
            pool.append(transfer)
            return self._settle(item, answers.invalid(str(failure)))
        transfer.started = now
        self._running.add(transfer)
        self._multi.add_handle(transfer.curl)
        if known is not None and is_news:
            self._announced[target.host, target.port] = known
        return None

    def _mail(self, item: Item, target: Target, known: Known | None) -> None:
        refusal = self._couriers.send(item, known, None if known is None else _announcement(target, known))
        if refusal is not None:
            self._settle(item, refusal)

    def _print(self, item: Item) -> None:
        """The console: one line to standard output, and done."""
        if self._clock() >= item.deadline:
            return self._settle(item, answers.late())
        out = self._out or sys.stdout
        try:
            out.write(item.request.body.decode("utf-8", "replace").replace("\n", " ") + "\n")
            out.flush()
        except OSError as failure:
            return self._settle(item, answers.unprinted(failure))
        return self._settle(item, answers.printed())

    def _settle(self, item: Item, answer: WireAnswer) -> None:
        """Answers what the multi interface has not carried."""
        self._answers.append((item.token, answer))
        self._lanes.give_back(item.lane)

    def _sweep(self, now: float) -> None:
        """Hands back what has waited too long, without waiting for its turn."""
        clock = self._clock()
        self._answers.extend((item.token, answers.late()) for item in self._lanes.expire(clock))
        for host, parked in list(self._parked.items()):
            staying: list[tuple[Item, Target]] = []
            for item, target in parked:
                if item.deadline <= clock:
                    self._settle(item, answers.late())
                elif now - item.submitted > item.request.connect_timeout_ms / 1000:
                    self._settle(item, answers.unresolved("the look-up has not ended"))
                else:
                    staying.append((item, target))
            self._parked[host] = staying
            if not staying:
                del self._parked[host]

    # Driving

    def _drive(self, timeout: float) -> bool:
        """Waits for news of the sockets and passes it on. True where wake() was called."""
        action = self._multi.socket_action
        news, woken = self._watch.wait(self._patience(timeout))
        for descriptor, mask in news:
            action(descriptor, mask)
        if self._multi.timeout() == 0:
            action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()
        return woken

    def _patience(self, timeout: float) -> float:
        due: int = self._multi.timeout()
        if due >= 0:
            timeout = min(timeout, due / 1000)
        if self.queued:
            timeout = min(timeout, SWEEP_SECONDS)
        return max(timeout, 0.0)

    # Finishing

    def _collect(self) -> None:
        while True:
            more, done, failed = self._multi.info_read(MAX_FINISHED)
            now = time.monotonic()
            for curl in done:
                transfer: Transfer = curl.transfer
                self._finish(transfer, answers.complete(transfer, now))
            for curl, number, text in failed:
                self._fail(curl.transfer, answers.incomplete(curl.transfer, number, text, now), now)
            if not more:
                return

    def _fail(self, transfer: Transfer, answer: WireAnswer, now: float) -> None:
        item = transfer.item
        if answer.left or item.again or transfer.late or transfer.curl.getinfo(pycurl.NUM_CONNECTS):
            return self._finish(transfer, answer)
        # Nothing left, on a connection that had been used before: its end was all that was wrong.
        item.again = True
        self._release(transfer)
        return self._start(item, target_of(item.request.url), now)

    def _finish(self, transfer: Transfer, answer: WireAnswer) -> None:
        self._release(transfer)
        self._answers.append((transfer.item.token, answer))
        self._lanes.give_back(transfer.item.lane)

    def _release(self, transfer: Transfer) -> None:
        self._multi.remove_handle(transfer.curl)
        self._running.discard(transfer)
        self._pools[transfer.shape].append(transfer)


def _announcement(target: Target, known: Known) -> str:
    """A RESOLVE entry, from which libcurl takes the addresses instead of asking for them itself."""
    addresses = ",".join(f"[{each}]" if ":" in each else each for each in known.addresses)
    return f"{target.host}:{target.port}:{addresses}"
