"""Whether a request carries the AWS Signature Version 4 that its owner would have made (AWS General Reference)."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote

from providers.sandbox.messages import Request

_PARTS = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/, ]+)/(?P<scope>[^, ]+), *SignedHeaders=(?P<names>[^, ]+),"
    r" *Signature=(?P<signature>[0-9a-f]{64})"
)


def is_signed(request: Request, key: str, secret: str) -> bool:
    parts = _PARTS.fullmatch(request.field("authorization"))
    if parts is None or parts["key"] != key or parts["scope"].count("/") != 3:
        return False
    canonical = hashlib.sha256(_canonical(request, parts["names"].split(";")).encode()).hexdigest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256", request.field("x-amz-date"), parts["scope"], canonical))
    signing = f"AWS4{secret}".encode()
    for step in parts["scope"].split("/"):
        signing = _hmac(signing, step)
    return hmac.compare_digest(_hmac(signing, to_sign).hex(), parts["signature"])


def _canonical(request: Request, names: list[str]) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in _query(request))
    return "\n".join(
        (
            request.method.decode("latin-1"),
            quote(request.path, safe="/-_.~%"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(request.field(name).split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.query, keep_blank_values=True)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
