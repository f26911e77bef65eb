"""How much one caller may ask per minute: counted in the database, hence over all web processes together.

One small statement in autocommit, before the request's own transaction, so that no request waits for another's end.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
from django.db import connection
from django.http import HttpRequest

WINDOW_SECONDS = 60


class Allowance(msgspec.Struct, frozen=True):
    """What is left of a caller's minute."""

    limit: int
    used: int
    seconds_left: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        told = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "RateLimit-Reset": str(self.seconds_left),
        }
        return {**told, "Retry-After": str(self.seconds_left)} if self.exceeded else told


def count_request(subject: str, limit: int) -> Allowance:
    """One more request of this caller."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT used, seconds_left FROM prism_count_request(%s, %s)", [subject, WINDOW_SECONDS])
        row: tuple[Any, ...] = cursor.fetchone() or (0, WINDOW_SECONDS)
    return Allowance(limit, row[0], row[1])


def address_subject(request: HttpRequest) -> str:
    """The caller's address; of IPv6 the network, since whoever has one address there has them all."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return "address:unknown"
    if address.version == 6:
        return f"address:{ipaddress.ip_network((address, 64), strict=False)}"
    return f"address:{address}"
