"""Takes credentials out of what a vendor answers: some echo the request, and answers are stored and published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from providers.credentials import names_credential

MARK = b"[redacted]"
SHORTEST = 6
"""A shorter credential would match by chance and blank out innocent text."""


def redacted(body: bytes, credentials: Iterable[str]) -> bytes:
    """The body without any of the credentials, also as JSON, PHP (`\\/`) and addresses write them."""
    for credential in credentials:
        for form in _forms(credential):
            if form in body:
                body = body.replace(form, MARK)
    return body


@lru_cache(maxsize=4096)
def _forms(credential: str) -> tuple[bytes, ...]:
    """The longest first: none is left over of which another is a part."""
    found: dict[bytes, None] = {}
    for secret in (credential, *_secrets_in(credential)):
        quoted = json.dumps(secret)[1:-1]
        for text in (secret, quoted, secret.replace("/", "\\/"), quoted.replace("/", "\\/"), quote(secret, safe="")):
            found[text.encode("utf-8", "surrogatepass")] = None
    return tuple(sorted((form for form in found if len(form) >= SHORTEST), key=len, reverse=True))


def _secrets_in(credential: str) -> Iterator[str]:
    """What is secret in a credential that is a JSON document: the key of a service account."""
    if not credential.startswith("{"):
        return
    try:
        document: Any = json.loads(credential)
    except (ValueError, RecursionError):
        return
    for key, value in document.items():
        if isinstance(value, str) and names_credential(key):
            yield value
