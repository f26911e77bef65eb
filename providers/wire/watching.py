"""Which sockets have news: epoll over what libcurl asks for, a way to wake it, and an eye on idle connections.

Only sockets with news are driven, so that a thousand waiting transfers cost nothing; libcurl's own select() would walk
them all and end at descriptor 1024.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading

import pycurl

from providers.wire import sockets

MAX_EVENTS = 1024
IDLE = select.EPOLLIN | select.EPOLLRDHUP


class Watch:
    """Owned by the wire's thread, all but `wake()`."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._wanted: set[int] = set()
        self._cookies: dict[int, bytes] = {}
        self._alarm = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._alarm_lock = threading.Lock()
        self._is_closed = False
        self._epoll.register(self._alarm, select.EPOLLIN)

    def wake(self) -> None:
        """Ends the current or next wait(). From any thread, also after close()."""
        with self._alarm_lock:
            if not self._is_closed:
                os.eventfd_write(self._alarm, 1)

    def close(self) -> None:
        self._epoll.close()
        with self._alarm_lock:
            self._is_closed = True
            os.close(self._alarm)

    def on_socket(self, what: int, descriptor: int, _multi: object, _data: object) -> None:
        """libcurl's M_SOCKETFUNCTION: what it wants to know of a socket.

        A socket that libcurl no longer asks for stays registered: its connection is usually reused at once. The
        system call when it is asked for again also finds out whether it is still the same socket.
        """
        if what == pycurl.POLL_REMOVE:
            self._wanted.discard(descriptor)
            return
        self._wanted.add(descriptor)
        mask = select.EPOLLRDHUP
        mask |= (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (select.EPOLLOUT if what & pycurl.POLL_OUT else 0)
        try:
            self._epoll.modify(descriptor, mask)
        except FileNotFoundError:
            self._epoll.register(descriptor, mask)
            self._cookies[descriptor] = sockets.cookie_of(descriptor)

    def wait(self, timeout: float) -> tuple[list[tuple[int, int]], bool]:
        """Sockets with news, each with libcurl's event mask, and whether wake() was called."""
        news: list[tuple[int, int]] = []
        woken = False
        for descriptor, events in self._epoll.poll(timeout, MAX_EVENTS):
            if descriptor in self._wanted:
                readable = pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0
                news.append((descriptor, readable | (pycurl.CSELECT_OUT if events & select.EPOLLOUT else 0)))
            elif descriptor == self._alarm:
                os.eventfd_read(self._alarm)
                woken = True
            else:
                self._retire(descriptor)
        return news, woken

    def _retire(self, descriptor: int) -> None:
        """News of an idle connection: most likely the vendor has ended it.

        libcurl takes a connection that it used within the last second for alive without looking. Ended on our side
        too, its next use fails before a byte leaves, and the wire gives that request another connection.
        """
        cookie = self._cookies.get(descriptor, b"")
        if sockets.is_still(descriptor, cookie) and not sockets.retire_if_ended(descriptor):
            self._epoll.modify(descriptor, IDLE)
            return
        self._cookies.pop(descriptor, None)
        with contextlib.suppress(OSError):
            self._epoll.unregister(descriptor)
