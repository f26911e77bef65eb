"""Reading requests out of a buffer, however they arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.sandbox.messages import BadRequest, answer, read_request

REQUEST = b"POST /mcp/whatsapp/send HTTP/1.1\r\nHost: x\r\nIDEMPOTENCY-key:  k-1 \r\nContent-Length: 5\r\n\r\nhello"


def test_a_whole_request_is_read() -> None:
    request = read_request(REQUEST + b"POST /next")
    assert request is not None
    assert (request.method, request.target, request.key, request.body) == (
        b"POST",
        "/mcp/whatsapp/send",
        "k-1",
        b"hello",
    )
    assert request.size == len(REQUEST)


@given(st.integers(0, len(REQUEST) - 1))
def test_a_request_cut_anywhere_is_waited_for(cut: int) -> None:
    assert read_request(REQUEST[:cut]) is None


@pytest.mark.parametrize(
    ("buffer", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nX: " + b"y" * 20_000, 431),
    ],
)
def test_what_cannot_be_read_is_refused(buffer: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        read_request(buffer)
    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_noise_is_waited_for_read_or_refused(buffer: bytes) -> None:
    try:
        request = read_request(buffer + b"\r\n\r\n")
    except BadRequest:
        return
    assert request is None or request.size <= len(buffer) + 4


def test_an_answer_is_http() -> None:
    assert answer(429, b"{}", extra=b"Retry-After: 1\r\n") == (
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        b"Retry-After: 1\r\n\r\n{}"
    )
