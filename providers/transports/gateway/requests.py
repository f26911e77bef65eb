"""From messages to one request to a gateway. On the hot path: plain dictionary reads and one JSON encoding."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers.messages import Message, WireRequest
from providers.transports.agent import USER_AGENT
from providers.transports.gateway import signing
from providers.transports.gateway.configuring import EMAIL
from providers.transports.lines import header, trace_header

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

TOKEN = "authentication.token"  # noqa: S105 - the name of the credential
SIGNING_KEY = "signing.key"
_COMMON = ("Content-Type: application/json", "Accept: application/json", USER_AGENT)
_NOT_IN_A_PATH = re.compile(r"[^a-z0-9_-]+")


def build(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    """A single send, or a batch where there are several messages."""
    if len(messages) == 1:
        return _single(settings, messages[0])
    return _batch(settings, messages)


def _single(settings: ProviderSettings, message: Message) -> WireRequest:
    # Two f-strings instead of header(): a uuid cannot break a line, and this runs once per message.
    headers = [*headers_of(settings), f"Idempotency-Key: {message.dispatch_id}"]
    headers.append(header("X-Correlation-Id", message.correlation_id))
    if message.trace_id:
        headers.append(trace_header(message.trace_id))
    return _request(settings, _send_path(settings), headers, _fields(settings, message))


def _batch(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    """Each message carries its own key: a batch may be cut differently when some of it is tried again."""
    items = [
        {
            **_fields(settings, message),
            "idempotencyKey": message.dispatch_id,
            "correlationId": message.correlation_id,
        }
        for message in messages
    ]
    path = settings.configuration["batch"].get("path")
    return _request(
        settings, f"{_send_path(settings)}-batch" if path is None else path, headers_of(settings), {"messages": items}
    )


def _request(settings: ProviderSettings, path: str, headers: Sequence[str], body: dict[str, Any]) -> WireRequest:
    address: str = settings.configuration["api_url"]
    encoded = msgspec.json.encode(body)
    if "signing" in settings.configuration:
        headers = [
            *headers,
            f"{signing.HEADER}: {signing.sign(settings.credentials[SIGNING_KEY], encoded, time.time())}",
        ]
    return WireRequest(
        method="POST",
        url=address.rstrip("/") + path if path else address,
        headers=tuple(headers),
        body=encoded,
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )


def _send_path(settings: ProviderSettings) -> str:
    path: str | None = settings.configuration.get("path")
    if path is not None:
        return path
    return f"/mcp/{_NOT_IN_A_PATH.sub('-', settings.provider_type.lower())}/send"


def headers_of(settings: ProviderSettings) -> tuple[str, ...]:
    """What every request to this gateway carries, its credential among them."""
    authentication = settings.configuration["authentication"]
    if authentication["type"] == "bearer_token":
        return (*_COMMON, f"Authorization: Bearer {settings.credentials[TOKEN]}")
    if authentication["type"] == "header":
        return (*_COMMON, f"{authentication['header_name']}: {settings.credentials[TOKEN]}")
    return _COMMON


def _fields(settings: ProviderSettings, message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {"to": message.to}
    if settings.provider_type.upper() == EMAIL:
        fields["subject"] = message.subject or ""
        fields["body"] = message.body
        if settings.configuration.get("html"):
            fields["html"] = message.body
    else:
        fields["message"] = message.body
    if message.media_url:
        fields["mediaUrl"] = message.media_url
    if message.template_code:
        fields["templateId"] = message.template_code
    if message.variables:
        fields["variables"] = message.variables
    return fields
