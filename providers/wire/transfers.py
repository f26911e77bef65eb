"""One libcurl handle with everything that never changes set once; only URL, headers and body change per request."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pycurl

from providers.messages import Signing
from providers.wire.handles import Handle, Policy
from providers.wire.lanes import Item

HTTP_AND_HTTPS = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS


class Shape(NamedTuple):
    """What distinguishes one prepared handle from another; requests of one shape share a pool."""

    method: str
    has_body: bool
    wants_headers: bool
    http2: bool
    is_signed: bool


class Transfer(Handle):
    """A pooled handle and the request it carries. Its bound methods are libcurl's callbacks, made once."""

    def __init__(self, shape: Shape, policy: Policy) -> None:
        super().__init__(policy)
        self.shape = shape
        self.item: Item
        self.started = 0.0
        self.chunks: list[bytes] = []
        self.header_lines: list[bytes] = []
        self.late = False
        self.too_large = False
        self._size = 0
        self._limit = 0
        self._body = b""
        self._unread = True
        self._url = ""
        self._length = -1
        self._signing: Signing | None = None
        self._is_fresh = False
        self.curl.transfer = self
        self._set_up_http()

    def _set_up_http(self) -> None:
        self.set_up(HTTP_AND_HTTPS, self.policy.max_idle_s)
        setopt = self.curl.setopt
        if self.shape.http2:
            # Where the server does not speak it, and over plain http, this is HTTP/1.1. Requests wait for a connection
            # that is being made, to share it.
            setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
            setopt(pycurl.PIPEWAIT, 1)
        else:
            setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        setopt(pycurl.FOLLOWLOCATION, 0)
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
        if request.signing is not None:
            headers.append(self._sign(request.signing, request.body))
        self.set_limits(request)
        self._limit = request.max_answer_bytes
        setopt(pycurl.HTTPHEADER, headers)
        if resolved is not None:
            setopt(pycurl.RESOLVE, [resolved])

    def _sign(self, signing: Signing, body: bytes) -> str:
        """Has libcurl sign the request. Returns the header by which it learns the digest of a body that it has not
        seen yet when it signs."""
        if signing != self._signing:
            self.curl.setopt(pycurl.AWS_SIGV4, f"aws:amz:{signing.region}:{signing.service}")
            self.curl.setopt(pycurl.USERNAME, signing.access_key_id)
            self.curl.setopt(pycurl.PASSWORD, signing.secret_access_key)
            self._signing = signing
        return f"X-Amz-Content-Sha256: {hashlib.sha256(body).hexdigest()}"

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
            if self.policy.clock() >= self.item.deadline:
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
        self.late = self.policy.clock() >= self.item.deadline
        return int(pycurl.PREREQFUNC_ABORT if self.late else pycurl.PREREQFUNC_OK)

    def _write(self, chunk: bytes) -> int | None:
        self._size += len(chunk)
        if self._size > self._limit:
            self.too_large = True
            return 0
        self.chunks.append(chunk)
        return None
