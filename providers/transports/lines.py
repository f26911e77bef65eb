"""Header lines that are safe to send, whatever the event that a value came from."""

from __future__ import annotations

import re
from urllib.parse import quote

MAX_VALUE = 512
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


def header(name: str, value: str) -> str:
    """ "Name: value"; what is not printable ASCII is percent-encoded, so that no value can begin another line."""
    cut = value[:MAX_VALUE]
    if not (cut.isascii() and cut.isprintable()):
        cut = quote(cut, safe=_PRINTABLE, errors="replace")
    return f"{name}: {cut}"


def trace_header(trace_id: str) -> str:
    """W3C trace context where it is one, else the id as it came."""
    return header("traceparent" if _TRACEPARENT.fullmatch(trace_id) else "X-Trace-Id", trace_id)
