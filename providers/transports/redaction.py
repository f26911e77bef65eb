"""Takes credentials out of what a vendor answers: some echo the request, and answers are stored and published."""

from __future__ import annotations

from collections.abc import Iterable

MARK = b"[redacted]"
SHORTEST = 6
"""A shorter credential would match by chance and blank out innocent text."""


def redacted(body: bytes, credentials: Iterable[str]) -> bytes:
    """The body without any of the credentials, also as PHP escapes them (`\\/`)."""
    for credential in credentials:
        if len(credential) < SHORTEST:
            continue
        plain = credential.encode()
        if plain in body:
            body = body.replace(plain, MARK)
        if b"/" in plain and (escaped := plain.replace(b"/", b"\\/")) in body:
            body = body.replace(escaped, MARK)
    return body
