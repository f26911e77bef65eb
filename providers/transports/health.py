"""What every vendor over HTTP can be asked: does the server answer, over a safe connection, and take the credential?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from providers import verdicts
from providers.messages import WireAnswer, WireRequest
from providers.outcomes import bounded_text
from providers.transports.redaction import redacted
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

LONGEST_WAIT_MS = 10_000
LONGEST_CONNECT_MS = 5_000
MAX_ANSWER_BYTES = 64 * 1024
LONGEST_DETAIL = 300


def get(settings: ProviderSettings, url: str, headers: tuple[str, ...]) -> WireRequest:
    """The vendor's own health address."""
    return _request(settings, "GET", url, headers)


def knock(settings: ProviderSettings, address: str, headers: tuple[str, ...]) -> WireRequest:
    """The root of the address' server, which is never where messages are taken."""
    parts = urlsplit(address)
    return _request(settings, "HEAD", f"{parts.scheme}://{parts.netloc}/", headers)


def within_bounds(request: WireRequest) -> WireRequest:
    """A vendor's own question, for no longer than a check may take."""
    return msgspec.structs.replace(
        request,
        timeout_ms=min(request.timeout_ms, LONGEST_WAIT_MS),
        connect_timeout_ms=min(request.connect_timeout_ms, LONGEST_CONNECT_MS),
        max_answer_bytes=MAX_ANSWER_BYTES,
    )


def read(settings: ProviderSettings, answer: WireAnswer, *, knocked: bool) -> Verdict:
    """After a knock any answer proves a reachable server, but for those that refuse us or tell of trouble."""
    detail = _detail(answer, (*settings.credentials.values(), settings.webhook_token))
    if answer.status == 401:
        return Verdict(ok=False, code=verdicts.UNAUTHORIZED, detail=detail)
    if answer.status == 403:
        return Verdict(ok=False, code=verdicts.FORBIDDEN, detail=detail)
    if knocked:
        # 501: a server that does not know HEAD.
        if answer.status >= 500 and answer.status != 501:
            return Verdict(ok=False, code=verdicts.VENDOR_ERROR, detail=detail)
        return Verdict(ok=True, code=verdicts.REACHABLE, detail=detail)
    if 200 <= answer.status < 300:
        return Verdict(ok=True, code=verdicts.OK, detail=detail)
    return Verdict(ok=False, code=verdicts.VENDOR_ERROR if answer.status >= 500 else verdicts.UNEXPECTED, detail=detail)


def _request(settings: ProviderSettings, method: str, url: str, headers: tuple[str, ...]) -> WireRequest:
    return WireRequest(
        method=method,
        url=url,
        headers=headers,
        body=b"",
        timeout_ms=min(settings.timeout_ms, LONGEST_WAIT_MS),
        connect_timeout_ms=min(settings.connect_timeout_ms, LONGEST_CONNECT_MS),
        max_answer_bytes=MAX_ANSWER_BYTES,
    )


def _detail(answer: WireAnswer, secrets: Sequence[str]) -> str:
    body = redacted(answer.body, secrets).decode("utf-8", "replace")
    said = " ".join(body.split())
    return bounded_text(
        f"HTTP {answer.status}" + (f": {said}" if said and answer.status >= 300 else ""), LONGEST_DETAIL
    )
