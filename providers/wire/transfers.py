"""One libcurl handle with everything that never changes set once; only URL, headers and body change per request."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import pycurl

from providers.messages import WireRequest
from providers.wire import guard
from providers.wire.lanes import Item

TLS_VERSIONS = {"1.2": pycurl.SSLVERSION_TLSv1_2, "1.3": pycurl.SSLVERSION_TLSv1_3}
MAX_LIFETIME_SECONDS = 600
"""A busy connection is given up now and then, so that a vendor that moves to other addresses is followed."""
HTTP_AND_HTTPS = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


class Policy(NamedTuple):
    """What holds for every transfer of a wire. `max_idle_s`: how long an unused connection may still be reused."""

    allow_private: bool
    min_tls: str
    ca_file: str
    max_idle_s: int
    clock: Callable[[], float]


class Shape(NamedTuple):
    """What distinguishes one prepared handle from another; requests of one shape share a pool."""

    method: str
    has_body: bool
    wants_headers: bool


class Transfer:
    """A pooled handle and the request it carries. Its bound methods are libcurl's callbacks, made once."""

    def __init__(self, shape: Shape, policy: Policy) -> None:
        self.shape = shape
        self.item: Item
        self.started = 0.0
        self.chunks: list[bytes] = []
        self.header_lines: list[bytes] = []
        self.late = False
        self.too_large = False
        self.refused = ""
        self.no_socket = ""
        self._socket: socket.socket | None = None
        self._policy = policy
        self._size = 0
        self._limit = 0
        self._body = b""
        self._unread = True
        self._url = ""
        self._length = -1
        self._limits = (0, 0, 0)
        self._is_fresh = False
        self.curl: Any = pycurl.Curl()
        self.curl.transfer = self
        self._set_up()

    def _set_up(self) -> None:
        setopt = self.curl.setopt
        setopt(pycurl.NOSIGNAL, 1)
        setopt(pycurl.PROTOCOLS, HTTP_AND_HTTPS)
        setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        setopt(pycurl.FOLLOWLOCATION, 0)
        setopt(pycurl.PROXY, "")  # an empty one keeps libcurl from reading http_proxy and its kin
        setopt(pycurl.NOPROXY, "*")
        setopt(pycurl.SSLVERSION, TLS_VERSIONS[self._policy.min_tls])
        setopt(pycurl.CAINFO, self._policy.ca_file)
        setopt(pycurl.MAXAGE_CONN, self._policy.max_idle_s)
        setopt(pycurl.MAXLIFETIME_CONN, MAX_LIFETIME_SECONDS)
        setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        setopt(pycurl.SOCKOPTFUNCTION, self._keep_from_children)
        setopt(pycurl.WRITEFUNCTION, self._write)
        if self.shape.wants_headers:
            setopt(pycurl.HEADERFUNCTION, self.header_lines.append)
        self._set_up_method()

    def _set_up_method(self) -> None:
        setopt, method = self.curl.setopt, self.shape.method
        if self.shape.has_body:
            # Through READFUNCTION and without SEEKFUNCTION libcurl cannot rewind, so it cannot send a request again
            # on its own when a reused connection turns out to be closed. With POSTFIELDS it would.
            setopt(pycurl.POST, 1)
            setopt(pycurl.READFUNCTION, self._read)
        else:
            # Nothing to rewind here, so the only safe connection is a new one.
            setopt(pycurl.FRESH_CONNECT, 1)
            setopt(pycurl.FORBID_REUSE, 1)
            setopt(pycurl.PREREQFUNCTION, self._before_request)
            setopt(pycurl.NOBODY if method == "HEAD" else pycurl.HTTPGET, 1)
        if method not in ("POST" if self.shape.has_body else "GET", "HEAD"):
            setopt(pycurl.CUSTOMREQUEST, method)

    def load(self, item: Item, resolved: str | None) -> None:
        """Takes a request; `resolved` is a RESOLVE entry that libcurl has not seen. Raises pycurl.error, ValueError."""
        request, setopt = item.request, self.curl.setopt
        headers = [*request.headers, "Expect:"]
        if "\n" in (joined := "".join(headers)) or "\r" in joined or "\x00" in joined:
            raise ValueError("a header holds a line break or a NUL")
        self.item = item
        self._body = request.body
        self._unread = True
        self._size = 0
        self.late = self.too_large = False
        self.refused = self.no_socket = ""
        if request.url != self._url:
            setopt(pycurl.URL, request.url)
            self._url = request.url
        if self.shape.has_body and len(request.body) != self._length:
            setopt(pycurl.POSTFIELDSIZE_LARGE, len(request.body))
            self._length = len(request.body)
        if item.again != self._is_fresh and self.shape.has_body:
            setopt(pycurl.FRESH_CONNECT, int(item.again))
            self._is_fresh = item.again
        self._set_limits(request)
        setopt(pycurl.HTTPHEADER, headers)
        if resolved is not None:
            setopt(pycurl.RESOLVE, [resolved])

    def _set_limits(self, request: WireRequest) -> None:
        limits = (request.timeout_ms, request.connect_timeout_ms, request.max_answer_bytes)
        if limits == self._limits:
            return
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, request.timeout_ms))  # 0 would mean: none
        self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, request.connect_timeout_ms))
        self.curl.setopt(pycurl.MAXFILESIZE_LARGE, request.max_answer_bytes)
        self._limit = request.max_answer_bytes
        self._limits = limits

    def take_body(self) -> bytes:
        """The answer's body so far, which is then forgotten."""
        chunks = self.chunks
        if not chunks:
            return b""
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return body

    def take_headers(self) -> dict[str, str]:
        """The header lines of the final answer, names in lower case; of repeated ones the last counts."""
        headers: dict[str, str] = {}
        for line in self.header_lines:
            if line.startswith(b"HTTP/"):
                headers.clear()
                continue
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        self.header_lines.clear()
        return headers

    def _read(self, size: int) -> bytes | int:
        """The moment before the first byte leaves: connecting may have taken seconds, a frozen process minutes."""
        if self._unread:
            self._unread = False
            if self._policy.clock() >= self.item.deadline:
                self.late = True
                return int(pycurl.READFUNC_ABORT)
        body = self._body
        if len(body) <= size:
            self._body = b""
            return body
        self._body = body[size:]
        return body[:size]

    def _before_request(self, *_addresses: object) -> int:
        """For requests without a body, which never ask for one."""
        self.late = self._policy.clock() >= self.item.deadline
        return int(pycurl.PREREQFUNC_ABORT if self.late else pycurl.PREREQFUNC_OK)

    def _write(self, chunk: bytes) -> int | None:
        self._size += len(chunk)
        if self._size > self._limit:
            self.too_large = True
            return 0
        self.chunks.append(chunk)
        return None

    def _open_socket(self, _purpose: int, address: Any) -> Any:
        if not self._policy.allow_private:
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
