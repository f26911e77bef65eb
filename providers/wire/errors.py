"""libcurl's error numbers as the few stable codes that outcomes, metrics and screens use."""

from __future__ import annotations

import pycurl

DNS = "dns"
REFUSED_ADDRESS = "refused_address"
CONNECT = "connect"
TLS = "tls"
TIMEOUT = "timeout"
RESET = "reset"
EMPTY = "empty"
CLOSED = "closed"
"""A reused connection was closed without an answer: the request may or may not have been taken."""
PARTIAL = "partial"
TOO_LARGE = "too_large"
PROTOCOL = "protocol"
DEADLINE = "deadline"
INVALID = "invalid"
OUTPUT = "output"
OTHER = "other"

_CODES: dict[int, str] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: PROTOCOL,
    pycurl.E_URL_MALFORMAT: INVALID,
    pycurl.E_COULDNT_RESOLVE_HOST: DNS,
    pycurl.E_COULDNT_CONNECT: CONNECT,
    8: PROTOCOL,  # CURLE_WEIRD_SERVER_REPLY, which pycurl does not name
    pycurl.E_PARTIAL_FILE: PARTIAL,
    pycurl.E_WRITE_ERROR: TOO_LARGE,
    pycurl.E_OPERATION_TIMEDOUT: TIMEOUT,
    pycurl.E_SSL_CONNECT_ERROR: TLS,
    pycurl.E_ABORTED_BY_CALLBACK: DEADLINE,
    pycurl.E_GOT_NOTHING: EMPTY,
    pycurl.E_SSL_CERTPROBLEM: TLS,
    pycurl.E_SSL_CIPHER: TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: TLS,
    pycurl.E_SSL_CACERT_BADFILE: TLS,
    pycurl.E_SSL_ISSUER_ERROR: TLS,
    pycurl.E_USE_SSL_FAILED: TLS,
    pycurl.E_SEND_ERROR: RESET,
    pycurl.E_RECV_ERROR: RESET,
    pycurl.E_SEND_FAIL_REWIND: CLOSED,
    pycurl.E_FILESIZE_EXCEEDED: TOO_LARGE,
    91: TLS,  # CURLE_SSL_INVALIDCERTSTATUS
    100: TOO_LARGE,  # CURLE_TOO_LARGE
}


def code_of(number: int) -> str:
    """The stable code of a `CURLcode`."""
    return _CODES.get(number, OTHER)
