"""Which addresses the wire may connect to: tenants supply the URLs, so what is inside the deployment is refused.

Checked on every resolved address of every connection attempt (libcurl's OPENSOCKETFUNCTION), which a name that
changes its address between look-up and connect cannot pass.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

IPv4 = ipaddress.IPv4Address
IPv6 = ipaddress.IPv6Address

# Metadata and host services that answer on addresses which are not private by registry.
METADATA = {ipaddress.ip_address("168.63.129.16"), ipaddress.ip_address("100.100.100.200")}
SHARED = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598, carrier-grade NAT
# Not global by the IANA registries, whatever the running Python knows of them.
NOT_GLOBAL = (
    ipaddress.ip_network("192.0.0.0/24"),  # RFC 6890, protocol assignments; a metadata service answers at .192
    ipaddress.ip_network("192.88.99.0/24"),  # RFC 7526, 6to4 relays
)
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all that IANA has given out
EMBEDDED_LOW = (  # the last 32 bits are an IPv4 address
    ipaddress.ip_network("::/96"),  # RFC 4291, IPv4-compatible
    ipaddress.ip_network("64:ff9b::/96"),  # RFC 6052, NAT64
)


@lru_cache(maxsize=4096)
def refusal(address: str) -> str | None:
    """Why the wire must not connect to `address` (an IP literal), in one word; None where it may."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "malformed"
    inner = _embedded(ip) if isinstance(ip, IPv6) else None
    return _refusal_of(ip) if inner is None else _refusal_of(ip) or _refusal_of(inner)


def _refusal_of(ip: IPv4 | IPv6) -> str | None:
    checks = (
        ("metadata", ip in METADATA),
        ("unspecified", ip.is_unspecified),
        ("loopback", ip.is_loopback),
        ("link_local", ip.is_link_local),
        ("multicast", ip.is_multicast),
        ("shared", isinstance(ip, IPv4) and ip in SHARED),
        ("private", ip.is_private and not _is_wrapper(ip)),
        ("reserved", (ip.is_reserved or _is_outside(ip)) and not _is_wrapper(ip)),
    )
    return next((name for name, holds in checks if holds), None)


def _is_outside(ip: IPv4 | IPv6) -> bool:
    if isinstance(ip, IPv6):
        return ip not in GLOBAL_UNICAST
    return any(ip in network for network in NOT_GLOBAL)


def _is_wrapper(ip: IPv4 | IPv6) -> bool:
    """Judged by the IPv4 address inside, not by the prefix around it."""
    return isinstance(ip, IPv6) and _embedded(ip) is not None


def _embedded(ip: IPv6) -> IPv4 | None:
    """The IPv4 address that a packet to `ip` may end at: mapped, 6to4, Teredo, NAT64, IPv4-compatible."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if int(ip) > 1 and any(ip in network for network in EMBEDDED_LOW):
        return IPv4(int(ip) & 0xFFFF_FFFF)
    return None
