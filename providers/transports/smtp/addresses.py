"""E-mail addresses as every mail server takes them: plain ASCII, a domain with accents in its ASCII spelling."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def ascii_address(address: str) -> str | None:
    """None where it has none: accents before the @ need SMTPUTF8, which most receivers refuse."""
    local, _at, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    spelled = f"{local}@{domain}"
    return spelled if local and spelled.isascii() and spelled.isprintable() and " " not in spelled else None
