"""Where a request comes from: the address of the connection, or what a proxy that we trust says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST = 20
"""More hops than any chain of proxies has: what lies further left was written by the caller."""


class ClientAddressMiddleware:
    """Puts the caller's address in place of the proxy's, for everything that counts by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.META["REMOTE_ADDR"] = resolve(
            request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", ""), settings.TRUSTED_PROXIES
        )
        return self.get_response(request)


def resolve(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy's, read from the right: what lies left of it anybody may write."""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()][-LONGEST:]
    address = peer
    while hops and _is_in(address, trusted):
        hop = _plain(hops.pop())
        if hop is None:
            return address
        address = hop
    return address


def client_address(request: HttpRequest) -> str | None:
    """For django-axes; None where the server names no peer (a Unix socket)."""
    return _plain(request.META.get("REMOTE_ADDR", ""))


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    plain = _plain(address)
    return plain is not None and any(ipaddress.ip_address(plain) in network for network in networks)


def _plain(text: str) -> str | None:
    """One address as it is written everywhere; None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
