"""Where the wire may go: judged address by address, and held on real connections."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.wire import Wire, guard
from tests.providers.wire.hostile import Hostile, exchange, request_to

REFUSED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "0.0.0.0": "unspecified",  # noqa: S104 - an address to refuse, nothing listens
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "192.168.1.1": "private",
    "169.254.169.254": "link_local",
    "168.63.129.16": "metadata",
    "100.100.100.200": "metadata",
    "100.64.0.1": "shared",
    "192.0.0.192": "private",
    "198.18.0.1": "private",
    "224.0.0.1": "multicast",
    "255.255.255.255": "private",
    "240.0.0.1": "private",
    "::": "unspecified",
    "::1": "loopback",
    "fe80::1": "link_local",
    "fe80::1%eth0": "link_local",
    "fd00:ec2::254": "private",
    "fec0::1": "reserved",
    "ff02::1": "multicast",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.1.2.3": "private",
    "::127.0.0.1": "loopback",
    "64:ff9b::a9fe:a9fe": "link_local",
    "2002:7f00:1::": "loopback",
    "2001:db8::1": "private",
    "not an address": "malformed",
    "": "malformed",
}
ALLOWED = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_inside_a_deployment_are_refused(address: str) -> None:
    assert guard.refusal(address) is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "100.64.0.1"])
def test_a_refusal_says_why(address: str) -> None:
    assert guard.refusal(address) == REFUSED[address]


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str) -> None:
    assert guard.refusal(address) is None


@given(st.ip_addresses())
def test_whatever_is_not_global_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not address.is_global:
        wrapped = isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.sixtofour)
        assert guard.refusal(str(address)) is not None or wrapped


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "64:ff9b::{}", "::{}"]))
def test_an_ipv4_address_is_judged_alike_inside_ipv6(address: ipaddress.IPv4Address, form: str) -> None:
    if guard.refusal(str(address)) is not None:
        assert guard.refusal(form.format(address)) is not None


@given(st.ip_addresses(v=4))
def test_6to4_and_teredo_do_not_hide_an_address(address: ipaddress.IPv4Address) -> None:
    if guard.refusal(str(address)) is None:
        return
    high, low = divmod(int(address), 65_536)
    assert guard.refusal(f"2002:{high:x}:{low:x}::1") is not None
    assert guard.refusal(f"2001:0:808:808::{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}") is not None


# Each of them is this machine, in a spelling that some filter once let through.
LOCAL_SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0.0.0.0",  # noqa: S104 - connects to this machine
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:1]",
]


@pytest.mark.parametrize("host", LOCAL_SPELLINGS)
def test_no_spelling_of_this_machine_is_connected_to(strict_wire: Wire, host: str) -> None:
    with Hostile() as vendor:
        answer = exchange(strict_wire, request_to(vendor.url(host=host)))
        assert not vendor.peers
    assert not answer.left
    assert answer.error in {"refused_address", "dns"}


def test_a_name_that_resolves_to_this_machine_is_refused() -> None:
    wire = Wire(allow_private=False, resolve=lambda _host: ["127.0.0.1", "::1"])
    with Hostile() as vendor:
        answer = exchange(wire, request_to(vendor.url(host="innocent.example.com")))
        assert not vendor.peers
    wire.close()
    assert answer.error == "refused_address"
    assert "loopback" in answer.detail


def test_a_name_that_moves_to_this_machine_later_is_refused_then() -> None:
    """DNS rebinding: what counts is the address that is connected to, not the one that was looked at."""
    addresses = [["192.0.2.1"], ["127.0.0.1"]]
    wire = Wire(allow_private=False, resolve=lambda _host: addresses.pop(0))
    with Hostile() as vendor:
        request = request_to(vendor.url(host="moves.example.com"), connect_timeout_ms=200)
        assert not exchange(wire, request).left
        wire._names._known.clear()
        assert exchange(wire, request).error == "refused_address"
        assert not vendor.peers
    wire.close()


def test_the_same_address_is_allowed_where_the_deployment_says_so(wire: Wire) -> None:
    with Hostile() as vendor:
        assert exchange(wire, request_to(vendor.url(host="localhost"))).status == 200


def test_a_proxy_in_the_environment_is_not_used(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hostile() as proxy, Hostile() as vendor:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert exchange(wire, request_to(vendor.url())).status == 200
        assert not proxy.peers


def test_sockets_are_not_handed_to_child_processes(wire: Wire) -> None:
    with Hostile() as vendor:
        before = open_sockets()
        assert exchange(wire, request_to(vendor.url())).status == 200
        opened = open_sockets().items() - before.items()
        assert len(opened) == 2, "our end and the vendor's"
        assert not any(os.get_inheritable(descriptor) for _, descriptor in opened)


def open_sockets() -> dict[str, int]:
    """Identity of every open socket of this process, and its descriptor."""
    found: dict[str, int] = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            identity = str(link.readlink())
        except FileNotFoundError:
            continue  # the listing's own descriptor
        if identity.startswith("socket:"):
            found[identity] = int(link.name)
    return found


def test_addresses_of_both_families_are_tried() -> None:
    wire = Wire(allow_private=True, resolve=lambda _host: ["::1", "127.0.0.1"])
    with Hostile() as vendor:
        assert exchange(wire, request_to(vendor.url(host="both.example.com"))).status == 200
    wire.close()
