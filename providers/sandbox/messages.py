"""HTTP/1.1 as far as a vendor needs it: one request out of a buffer, one answer into bytes. Pure."""

from __future__ import annotations

from typing import NamedTuple

MAX_HEAD = 16 * 1024
MAX_BODY = 4 * 1024 * 1024
REASONS = {
    200: b"OK",
    201: b"Created",
    202: b"Accepted",
    307: b"Temporary Redirect",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    411: b"Length Required",
    413: b"Content Too Large",
    422: b"Unprocessable Content",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}
JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
XML = b"text/xml"
RETRY_AFTER = b"Retry-After: 1\r\n"


class Request(NamedTuple):
    method: bytes
    target: str
    key: str
    """The Idempotency-Key, "" without one."""
    body: bytes
    size: int
    """Bytes of the buffer that it took."""
    head: bytes = b""
    """Request line and header lines, without the last line end."""

    def field(self, name: str) -> str:
        """The value of a header, "" without it. `name` in lower case."""
        return _field(self.head, self.head.lower(), b"\r\n" + name.encode() + b":").decode("latin-1")

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


class BadRequest(Exception):  # noqa: N818 - named as HTTP names it
    """Cannot be answered but with this status, and the connection closed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def read_request(buffer: bytes) -> Request | None:
    """The first request in the buffer, or None where it is not complete. Raises BadRequest."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise BadRequest(431)
        return None
    head = buffer[:end]
    method, _, rest = head.partition(b" ")
    target = rest[: rest.find(b" ")]
    names = head.lower()
    length = _length(method, names)
    size = end + 4 + length
    if len(buffer) < size:
        return None
    key = _field(head, names, b"\r\nidempotency-key:")
    return Request(method, target.decode("latin-1"), key.decode("latin-1"), buffer[end + 4 : size], size, head)


def _length(method: bytes, names: bytes) -> int:
    if b"\r\ntransfer-encoding:" in names:
        raise BadRequest(411)
    text = _field(names, names, b"\r\ncontent-length:")
    if not text and method in (b"POST", b"PUT"):
        raise BadRequest(411)
    if text and not text.isdigit():
        raise BadRequest(400)
    length = int(text or b"0")
    if length > MAX_BODY:
        raise BadRequest(413)
    return length


def _field(head: bytes, names: bytes, name: bytes) -> bytes:
    at = names.find(name)
    if at < 0:
        return b""
    end = names.find(b"\r\n", at + 2)
    return head[at + len(name) : end if end > 0 else len(head)].strip()


def answer(status: int, body: bytes, content_type: bytes = JSON, extra: bytes = b"") -> bytes:
    """`extra` is header lines, each with its line end."""
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s" % (
        status,
        REASONS[status],
        content_type,
        len(body),
        extra,
        body,
    )
