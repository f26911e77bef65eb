"""From messages to one request to Expo. On the hot path: plain dictionary reads and one JSON encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, push
from providers.transports.agent import USER_AGENT

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

DEFAULT_ADDRESS = "https://exp.host"
SEND_PATH = "/--/api/v2/push/send"
RECEIPTS_PATH = "/--/api/v2/push/getReceipts"
_TOKEN = "access_token"  # noqa: S105 - the name of the credential
_COMMON = ("Content-Type: application/json", "Accept: application/json", USER_AGENT)
# Our names of what goes along with every message, and Expo's.
_OPTIONS = (("sound", "sound"), ("priority", "priority"), ("ttl_s", "ttl"), ("channel_id", "channelId"))


def build(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    """Always an array, also of one: the answer is then one too. Raises Unsendable."""
    return _request(settings, SEND_PATH, [_item(settings, message, at) for at, message in enumerate(messages)])


def ask_receipts(settings: ProviderSettings, message_ids: Sequence[str]) -> WireRequest:
    return _request(settings, RECEIPTS_PATH, {"ids": list(message_ids)})


def address_of(settings: ProviderSettings) -> str:
    address: str = settings.configuration.get("api_url", DEFAULT_ADDRESS)
    return address.rstrip("/")


def headers_of(settings: ProviderSettings) -> tuple[str, ...]:
    token = settings.credentials.get(_TOKEN)
    return (*_COMMON, f"Authorization: Bearer {token}") if token else _COMMON


def _item(settings: ProviderSettings, message: Message, index: int) -> dict[str, Any]:
    configuration, token = settings.configuration, message.to.strip()
    if not push.is_expo_token(token):
        # Perhaps a good token of another vendor: the message is refused, the address is not judged.
        raise Unsendable(Kind.REJECTED, "NOT_AN_EXPO_TOKEN", gettext("The push token is none of Expo's."), index)
    payload: dict[str, Any] = {}
    if message.subject:
        payload["title"] = message.subject
    payload["body"] = message.body
    payload["data"] = push.data_of(message, with_variables=configuration.get("send_variables", False))
    if message.media_url:
        payload["richContent"] = {"image": message.media_url}
    push.refuse_too_long(message, payload, index)
    options = {theirs: configuration[ours] for ours, theirs in _OPTIONS if ours in configuration}
    return {"to": token, **payload, **options}


def _request(settings: ProviderSettings, path: str, body: Any) -> WireRequest:
    return WireRequest(
        method="POST",
        url=address_of(settings) + path,
        headers=headers_of(settings),
        body=msgspec.json.encode(body),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )
