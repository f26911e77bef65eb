"""From a message to an e-mail as it goes over SMTP: headers, text, HTML. Pure, and made once per message.

Headers are folded and encoded by Python's `email` package, and kept where they repeat; bodies are quoted by binascii,
as the package's own way takes a millisecond for each. Nothing that comes from a contact or a template can
end a header: line breaks in it become spaces first.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import lru_cache

from providers.transports.emails import Content

_NOT_IN_A_HEADER = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONG_WORD = re.compile(r"\S{60}")
_TEXT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
_HTML = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
LONGEST_TEXT = 900  # a line has at most 998 characters, and a word is never cut
LINE = 76
KEPT = 4096


def compose(headers: Sequence[bytes], content: Content, boundary: str) -> bytes:
    """The whole message. `headers` are lines with their CRLF; `boundary` differs by message."""
    if content.html is None:
        return b"".join((*headers, b"MIME-Version: 1.0\r\n", _TEXT, quoted(content.text)))
    # No quoted body can hold it: there "=" is always followed by a hexadecimal digit or a line's end.
    mark = f"=_{boundary}".encode("ascii")
    return b"".join(
        (
            *headers,
            b"MIME-Version: 1.0\r\n",
            b'Content-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n' % mark,
            b"--%b\r\n" % mark,
            _TEXT,
            quoted(content.text),
            b"\r\n--%b\r\n" % mark,
            _HTML,
            quoted(content.html),
            b"\r\n--%b--\r\n" % mark,
        )
    )


def quoted(text: str) -> bytes:
    """Quoted-printable with CRLF, ended by one."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    lines = binascii.b2a_qp(plain, quotetabs=False, istext=True).replace(b"\n", b"\r\n")
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


@lru_cache(maxsize=KEPT)
def folded(name: str, value: str) -> bytes:
    """A header whose value is free text, as its lines."""
    return f"{name}: {_encoded(value[:LONGEST_TEXT], len(name) + 2)}\r\n".encode("ascii")


@lru_cache(maxsize=KEPT)
def addressed(name: str, display_name: str, address: str) -> bytes:
    """A header with one mailbox. `address` is plain ASCII."""
    if not display_name:
        return f"{name}: {address}\r\n".encode("ascii")
    if display_name.isascii() and "=?" not in display_name:
        return f"{name}: {formataddr((_clean(display_name), address))}\r\n".encode("ascii")
    return f"{name}: {_encoded(display_name, len(name) + 2)}\r\n <{address}>\r\n".encode("ascii")


def _encoded(value: str, begin: int) -> str:
    """By the package's older class: the header factory of 3.11 loses spaces between long words with accents."""
    clean = _clean(value)
    is_plain = clean.isascii() and "=?" not in clean and not _LONG_WORD.search(clean)
    charset = "us-ascii" if is_plain else "utf-8"
    return Header(clean, charset, header_name=" " * (begin - 2)).encode(linesep="\r\n", maxlinelen=LINE)


def _clean(value: str) -> str:
    return _NOT_IN_A_HEADER.sub(" ", value).strip()


@lru_cache(maxsize=KEPT)
def date_of(dispatch_id: str) -> str:  # noqa: ARG001 - what it is kept by
    """The moment of a message's first try: the same message has the same date at the next."""
    return format_datetime(datetime.now(UTC))
