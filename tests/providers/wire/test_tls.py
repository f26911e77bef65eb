"""TLS: a vendor must prove who it is, in a version that is allowed, before a byte of the request leaves."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from providers.wire import Wire
from tests.providers.wire.certificates import Certificate
from tests.providers.wire.hostile import Hostile, exchange, request_to


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "vendor.example.com")


def test_a_self_signed_certificate_is_refused_before_anything_leaves(wire: Wire, certificate: Certificate) -> None:
    with Hostile(tls=certificate.server_context()) as vendor:
        answer = exchange(wire, request_to(vendor.url()))
        assert not vendor.requests
    assert (answer.error, answer.left, answer.complete) == ("tls", False, False)


def test_a_certificate_for_another_name_is_refused(certificate: Certificate) -> None:
    wire = Wire(allow_private=True, ca_file=str(certificate.file), resolve=lambda _host: ["127.0.0.1"])
    with Hostile(tls=certificate.server_context()) as vendor:
        assert exchange(wire, request_to(vendor.url(host="vendor.example.com"))).status == 200
        answer = exchange(wire, request_to(vendor.url(host="other.example.com")))
    wire.close()
    assert (answer.error, answer.left) == ("tls", False)


def test_a_trusted_vendor_is_reached_and_its_connection_used_again(certificate: Certificate) -> None:
    wire = Wire(allow_private=True, ca_file=str(certificate.file))
    with Hostile(tls=certificate.server_context()) as vendor:
        for _ in range(3):
            assert exchange(wire, request_to(vendor.url())).status == 200
        assert len(vendor.peers) == 1
    wire.close()


def test_an_older_version_than_the_minimum_is_refused(certificate: Certificate) -> None:
    context = certificate.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Hostile(tls=context) as vendor:
        for min_tls, expected in (("1.2", (200, None)), ("1.3", (0, "tls"))):
            wire = Wire(allow_private=True, ca_file=str(certificate.file), min_tls=min_tls)
            answer = exchange(wire, request_to(vendor.url()))
            wire.close()
            assert (answer.status, answer.error) == expected
            assert answer.left is (expected[0] == 200)


def test_a_server_that_speaks_no_tls_gets_nothing(wire: Wire) -> None:
    with Hostile(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as vendor:
        answer = exchange(wire, request_to(vendor.url().replace("http://", "https://")))
    assert (answer.error, answer.left) == ("tls", False)


def test_an_unknown_minimum_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="min_tls"):
        Wire(allow_private=True, min_tls="1.1")
