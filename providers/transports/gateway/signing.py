"""X-Prism-Signature, both ways: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body"> (provider-contracts §11).

With two keys during a change of keys a gateway may send several v1. A time that is further off than TOLERANCE_S is
refused, so that a call that somebody kept cannot be made again later.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

HEADER = "X-Prism-Signature"
TOLERANCE_S = 300
_PARTS = re.compile(r"t=(\d{1,12})((?:,[a-z0-9]{1,8}=[0-9a-f]{1,128}){1,8})", re.ASCII)
_V1 = re.compile(r"v1=([0-9a-f]{64})(?![0-9a-f])")


def sign(key: str, body: bytes, now: float) -> str:
    """The header's value; `now` in unix seconds."""
    at = int(now)
    return f"t={at},v1={_digest(key, at, body)}"


def verify(key: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether a call with these headers (names in lower case) and this raw body was signed with the key just now."""
    found = _PARTS.fullmatch(headers.get(HEADER.lower(), "").replace(" ", ""))
    if not key or found is None or abs(now - int(found[1])) > TOLERANCE_S:
        return False
    wanted = _digest(key, int(found[1]), body)
    return any(hmac.compare_digest(wanted, given) for given in _V1.findall(found[2]))


def _digest(key: str, at: int, body: bytes) -> str:
    return hmac.digest(key.encode(), f"{at}.".encode() + body, "sha256").hex()
