"""libcurl's sockets by their descriptors, touched only where it is certain that the number is still that socket."""

from __future__ import annotations

import contextlib
import socket

SO_COOKIE = 57  # linux/socket.h; an id that no other socket of this machine ever has


def cookie_of(descriptor: int) -> bytes:
    """The socket's identity; empty for what is no socket."""
    try:
        view = socket.socket(fileno=descriptor)
    except OSError:
        return b""
    try:
        return view.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8)
    except OSError:
        return b""
    finally:
        view.detach()


def is_still(descriptor: int, cookie: bytes) -> bool:
    """Whether the descriptor is the socket with this cookie: the number may be another thread's by now."""
    return bool(cookie) and cookie_of(descriptor) == cookie


def retire_if_ended(descriptor: int) -> bool:
    """Ends an idle connection on our side too, where the other side has ended it or says what nobody asked for.

    True where it had ended. The descriptor must be known to be the socket that is meant.
    """
    view = socket.socket(fileno=descriptor)
    try:
        view.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True  # reset: its next use fails by itself
    else:
        with contextlib.suppress(OSError):
            view.shutdown(socket.SHUT_RDWR)
        return True
    finally:
        view.detach()
