"""Host names to addresses, one look-up at a time per name, on threads that never hold up the wire.

libcurl resolves on one small pool of threads for all transfers: twenty requests to a name whose servers are dead
make every other lane's look-ups time out. Here a dead name costs one thread, and only those who asked for it wait.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address

FRESH_SECONDS = 60.0
STALE_SECONDS = 600.0
"""How long addresses go on being used while fresh ones cannot be had."""
FAILED_SECONDS = 1.0
MAX_LOOK_UPS = 256
MAX_NAMES = 4096

Resolve = Callable[[str], list[str]]


class Known:
    """What a look-up found: addresses, or why there are none. Compared by identity: other addresses, other object."""

    __slots__ = ("addresses", "ask_again_at", "error", "found_at")

    def __init__(self, addresses: tuple[str, ...], error: str, now: float) -> None:
        self.addresses = addresses
        self.error = error
        self.found_at = now
        self.ask_again_at = now + (FAILED_SECONDS if error else FRESH_SECONDS)


def system_resolve(host: str) -> list[str]:
    """Addresses of `host` in the system's order of preference. Raises OSError or ValueError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_literal(host: str) -> bool:
    """An address already, as libcurl reads it (odd spellings such as 127.1 go to the resolver, which knows them)."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class Names:
    """Owned by one thread; only the look-ups themselves run elsewhere."""

    def __init__(self, resolve: Resolve, on_found: Callable[[], None]) -> None:
        self._resolve = resolve
        self._on_found = on_found
        self._known: dict[str, Known] = {}
        self._asked: set[str] = set()
        self._found: deque[tuple[str, tuple[str, ...], str]] = deque()

    def look_up(self, host: str, now: float) -> Known | None:
        """What is known of `host` at `now` (monotonic seconds), or None where the look-up is under way."""
        known = self._known.get(host)
        if known is not None and now < known.ask_again_at:
            return known
        refused = self._ask(host, now)
        # A name that was known goes on being used while it is asked for again.
        return known if known is not None and _is_usable(known, now) else refused

    def take_found(self, now: float) -> list[str]:
        """The names whose look-up has ended since the last call."""
        ended: list[str] = []
        while self._found:
            host, addresses, error = self._found.popleft()
            self._asked.discard(host)
            self._keep(host, addresses, error, now)
            ended.append(host)
        return ended

    def _keep(self, host: str, addresses: tuple[str, ...], error: str, now: float) -> None:
        before = self._known.get(host)
        if error and before is not None and _is_usable(before, now):
            before.ask_again_at = now + FAILED_SECONDS
        elif before is not None and not error and before.addresses == addresses:
            before.found_at, before.ask_again_at = now, now + FRESH_SECONDS
        else:
            if len(self._known) >= MAX_NAMES:
                self._known.clear()
            self._known[host] = Known(addresses, error, now)

    def _ask(self, host: str, now: float) -> Known | None:
        if host in self._asked:
            return None
        if len(self._asked) >= MAX_LOOK_UPS:
            return Known((), f"{MAX_LOOK_UPS} look-ups of other names are under way", now)
        self._asked.add(host)
        threading.Thread(target=self._run, args=(host,), name="wire-name", daemon=True).start()
        return None

    def _run(self, host: str) -> None:
        try:
            addresses, error = tuple(self._resolve(host)), ""
        except (OSError, ValueError) as failure:
            addresses, error = (), str(failure) or type(failure).__name__
        if not addresses and not error:
            error = "no address"
        self._found.append((host, addresses, error))
        self._on_found()


def _is_usable(known: Known, now: float) -> bool:
    return bool(known.addresses) and now - known.found_at < STALE_SECONDS
