"""What reading a vendor's call has in common: its body as an object, a secret compared in constant time."""

from __future__ import annotations

import hmac
from typing import Any

import msgspec

from providers.reporting import Call


def object_of(call: Call) -> dict[str, Any]:
    """Raises ValueError where the body is no JSON object."""
    try:
        value = msgspec.json.decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no JSON") from error
    if not isinstance(value, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - what the protocol names
    return value


def header_of(call: Call, name: str) -> str:
    return call.headers.get(name.lower(), "")


def is_equal(given: str, expected: str) -> bool:
    """In constant time, whatever letters somebody sends; never where nothing is expected."""
    return bool(expected) and hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )
