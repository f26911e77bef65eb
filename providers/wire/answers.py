"""What the wire reports: a finished transfer, or the reason why nothing was sent, as a WireAnswer."""

from __future__ import annotations

from collections.abc import Mapping

import pycurl

from providers.messages import NO_HEADERS, WireAnswer
from providers.wire import errors
from providers.wire.handles import Handle
from providers.wire.transfers import Transfer


def complete(transfer: Transfer, now: float) -> WireAnswer:
    """A whole answer came, whatever its status. `now`: monotonic seconds."""
    curl = transfer.curl
    status: int = curl.getinfo(pycurl.RESPONSE_CODE)
    if transfer.shape.wants_headers:
        headers: Mapping[str, str] = _in_seconds(curl, transfer.take_headers())
    else:
        headers = NO_HEADERS if 200 <= status < 300 else _telling_headers(curl)
    return WireAnswer(
        status=status,
        headers=headers,
        body=transfer.take_body(),
        left=True,
        complete=True,
        error=None,
        detail="",
        elapsed_ms=(now - transfer.started) * 1000,
    )


def incomplete(transfer: Transfer, number: int, text: str, now: float) -> WireAnswer:
    """No whole answer. Whether a byte of the request left is libcurl's own count."""
    curl = transfer.curl
    code, detail = _explain(transfer, number, text)
    transfer.header_lines.clear()
    return WireAnswer(
        status=0,
        headers=NO_HEADERS,
        body=transfer.take_body(),
        left=curl.getinfo(pycurl.REQUEST_SIZE) > 0,
        complete=False,
        error=code,
        detail=detail,
        elapsed_ms=(now - transfer.started) * 1000,
    )


def _explain(transfer: Transfer, number: int, text: str) -> tuple[str, str]:
    if transfer.late:
        return errors.DEADLINE, late().detail
    if transfer.too_large:
        return errors.TOO_LARGE, f"the answer is longer than {transfer.item.request.max_answer_bytes} bytes"
    return explain(transfer, number, text)


def explain(handle: Handle, number: int, text: str) -> tuple[str, str]:
    """The stable code of libcurl's error, and its words or ours."""
    if number == pycurl.E_COULDNT_CONNECT and handle.refused:
        return errors.REFUSED_ADDRESS, f"{handle.refused}: this deployment does not send there"
    if number == pycurl.E_COULDNT_CONNECT and handle.no_socket:
        return errors.CONNECT, handle.no_socket
    return errors.code_of(number), text


def _telling_headers(curl: pycurl.Curl) -> Mapping[str, str]:
    """Read from libcurl, which understands both forms of Retry-After; always in seconds here."""
    headers: dict[str, str] = {}
    content_type = curl.getinfo(pycurl.CONTENT_TYPE)
    if content_type:
        headers["content-type"] = content_type
    retry_after = curl.getinfo(pycurl.RETRY_AFTER)
    if retry_after:
        headers["retry-after"] = str(retry_after)
    return headers


def _in_seconds(curl: pycurl.Curl, headers: dict[str, str]) -> dict[str, str]:
    """Retry-After as above, also where all headers are wanted; left out where it says nothing."""
    if headers.pop("retry-after", None) is not None and (wait := curl.getinfo(pycurl.RETRY_AFTER)):
        headers["retry-after"] = str(wait)
    return headers


def late() -> WireAnswer:
    return _unsent(errors.DEADLINE, "its time to leave had passed")


def invalid(detail: str) -> WireAnswer:
    return _unsent(errors.INVALID, detail)


def unresolved(detail: str) -> WireAnswer:
    return _unsent(errors.DNS, detail)


def unmailed(detail: str) -> WireAnswer:
    return _unsent(errors.CONNECT, detail)


def unprinted(failure: OSError) -> WireAnswer:
    return _unsent(errors.OUTPUT, str(failure))


def printed() -> WireAnswer:
    return WireAnswer(200, NO_HEADERS, b"", left=True, complete=True, error=None, detail="", elapsed_ms=0.0)


def broken(left: bool, error: str, detail: str, elapsed_ms: float = 0.0) -> WireAnswer:
    """No whole answer to an e-mail."""
    return WireAnswer(0, NO_HEADERS, b"", left, complete=False, error=error, detail=detail, elapsed_ms=elapsed_ms)


def _unsent(error: str, detail: str) -> WireAnswer:
    return WireAnswer(0, NO_HEADERS, b"", left=False, complete=False, error=error, detail=detail, elapsed_ms=0.0)
