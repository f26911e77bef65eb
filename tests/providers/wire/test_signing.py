"""Signature Version 4 as libcurl makes it, beside the one that AWS's own library makes of the same request."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from providers.messages import Signing
from providers.wire import Wire
from tests.providers.wire.hostile import Hostile, exchange, request_to

KEY_ID, SECRET = "AKIDEXAMPLE", "canary/wJalrXUtnFEMI+K7MDENG"
SIGNING = Signing("sa-east-1", "sns", KEY_ID, SECRET)


def signed_by_the_library(head: str, body: bytes, secret: str = SECRET) -> str:
    """The Authorization that botocore makes for a request that arrived so."""
    request_line, *lines = head.strip().split("\r\n")
    method, path, _version = request_line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    names = re.search("SignedHeaders=([^,]+)", headers["authorization"])
    assert names is not None
    signed = {name: headers[name] for name in names[1].split(";")}
    request: Any = AWSRequest(method=method, url=f"http://{headers['host']}{path}", data=body, headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY_ID, secret), SIGNING.service, SIGNING.region)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    scope = f"{headers['x-amz-date'][:8]}/{SIGNING.region}/{SIGNING.service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={names[1]}, Signature={signature}"


@pytest.mark.parametrize(
    "body",
    [b"Action=Publish&Version=2010-03-31&Message=Ol%C3%A1", "Mensagem=olá & tchau".encode(), b"x" * 100_000, b"\x00"],
)
def test_the_signature_is_the_one_that_the_library_makes(wire: Wire, body: bytes) -> None:
    with Hostile() as vendor:
        request = request_to(vendor.url("/"), body=body, headers=["X-Trace-Id: t 1"])
        assert exchange(wire, msgspec.structs.replace(request, signing=SIGNING)).status == 200
        head, _, arrived = vendor.requests[0].partition(b"\r\n\r\n")
    assert arrived == body
    text = head.decode()
    assert f"Authorization: {signed_by_the_library(text, body)}\r\n" in text + "\r\n"
    assert signed_by_the_library(text, body, "another") not in text
    assert "content-type" in text.partition("SignedHeaders=")[2]


def test_each_request_is_signed_for_its_own_body_and_with_its_own_key(wire: Wire) -> None:
    other = Signing("sa-east-1", "sns", KEY_ID, "another-secret")
    with Hostile() as vendor:
        for number, signing in enumerate([SIGNING, SIGNING, other, SIGNING, None]):
            request = request_to(vendor.url("/"), body=b"body %d" % number)
            assert exchange(wire, msgspec.structs.replace(request, signing=signing)).status == 200
        heads = [request.partition(b"\r\n\r\n")[0].decode() for request in vendor.requests]
        assert len(vendor.peers) == 1
    for number, secret in enumerate([SECRET, SECRET, "another-secret", SECRET]):
        assert signed_by_the_library(heads[number], b"body %d" % number, secret) in heads[number]
    assert "authorization" not in heads[4].lower()
    assert "x-amz" not in heads[4].lower()


def test_a_request_is_not_signed_by_being_repeated_in_clear(wire: Wire) -> None:
    with Hostile() as vendor:
        exchange(wire, msgspec.structs.replace(request_to(vendor.url("/")), signing=SIGNING))
        assert SECRET.encode() not in vendor.requests[0]
    assert SECRET not in repr(SIGNING)
