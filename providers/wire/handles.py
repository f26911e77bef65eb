"""What all libcurl handles of a wire have in common: safe connections to allowed addresses, bounded in time."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import pycurl

from providers.messages import WireRequest
from providers.wire import guard

TLS_VERSIONS = {"1.2": pycurl.SSLVERSION_TLSv1_2, "1.3": pycurl.SSLVERSION_TLSv1_3}
MAX_LIFETIME_SECONDS = 600
"""A busy connection is given up now and then, so that a vendor that moves to other addresses is followed."""


NO_LIMITS = (0, 0, 0)


class Policy(NamedTuple):
    """What holds for every transfer of a wire. `max_idle_s`: how long an unused connection may still be reused."""

    allow_private: bool
    min_tls: str
    ca_file: str
    max_idle_s: int
    clock: Callable[[], float]


class Handle:
    """`refused` and `no_socket` say why no connection was made, where that is our own doing."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.refused = ""
        self.no_socket = ""
        self._socket: socket.socket | None = None
        self.limits = NO_LIMITS
        self.curl: Any = pycurl.Curl()

    def set_up(self, protocols: int, max_idle_s: int) -> None:
        """All that never changes, but what is the protocol's own."""
        setopt = self.curl.setopt
        setopt(pycurl.NOSIGNAL, 1)
        setopt(pycurl.PROTOCOLS, protocols)
        setopt(pycurl.PROXY, "")  # an empty one keeps libcurl from reading http_proxy and its kin
        setopt(pycurl.NOPROXY, "*")
        setopt(pycurl.SSLVERSION, TLS_VERSIONS[self.policy.min_tls])
        setopt(pycurl.CAINFO, self.policy.ca_file)
        setopt(pycurl.MAXAGE_CONN, max_idle_s)
        setopt(pycurl.MAXLIFETIME_CONN, MAX_LIFETIME_SECONDS)
        setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        setopt(pycurl.SOCKOPTFUNCTION, self._keep_from_children)

    def set_limits(self, request: WireRequest) -> None:
        limits = (request.timeout_ms, request.connect_timeout_ms, request.max_answer_bytes)
        if limits == self.limits:
            return
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, request.timeout_ms))  # 0 would mean: none
        self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, request.connect_timeout_ms))
        self.curl.setopt(pycurl.MAXFILESIZE_LARGE, request.max_answer_bytes)
        self.limits = limits

    def _open_socket(self, _purpose: int, address: Any) -> Any:
        if not self.policy.allow_private:
            literal = address.addr[0] if isinstance(address.addr, tuple) else ""
            why = guard.refusal(literal)
            if why is not None:
                self.refused = f"{literal} is {why}"
                return pycurl.SOCKET_BAD
        try:
            self._socket = socket.socket(address.family, address.socktype, address.protocol)
        except OSError as failure:
            self.no_socket = str(failure)
            return pycurl.SOCKET_BAD
        return self._socket

    def _keep_from_children(self, descriptor: int, _purpose: int) -> int:
        """pycurl has duplicated our socket, without close-on-exec: ours has done its work."""
        os.set_inheritable(descriptor, False)
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        return int(pycurl.SOCKOPT_OK)
