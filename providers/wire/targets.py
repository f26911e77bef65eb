"""Where a URL leads: host and port for the look-up, read once per URL."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from providers.wire.names import is_literal

PORTS = {"http": 80, "https": 443, "smtp": 587, "smtps": 465}


class Target(msgspec.Struct, frozen=True):
    """`host` is None where nothing has to be looked up; `problem` says why the URL cannot be used at all."""

    host: str | None
    port: int
    is_console: bool = False
    problem: str | None = None


@lru_cache(maxsize=4096)
def target_of(url: str) -> Target:
    """Never raises: what cannot be read is a target with a problem."""
    if url.startswith("console:"):
        return Target(host=None, port=0, is_console=True)
    if not url.isascii() or not url.isprintable() or " " in url:
        return Target(host=None, port=0, problem="the address holds a character that no URL may hold")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return Target(host=None, port=0, problem="the address is not a URL")
    if parts.scheme not in PORTS or not host:
        return Target(host=None, port=0, problem="only http, https, smtp and smtps addresses with a host are allowed")
    return Target(host=None if is_literal(host) else host, port=port or PORTS[parts.scheme])
