"""What push vendors share: the notification's parts, and the size that Apple and Google take."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.utils.translation import gettext

from providers.messages import Message
from providers.outcomes import Kind
from providers.transports import Unsendable

MAX_PAYLOAD_BYTES = 4096
"""Title, text, data and image together; both houses refuse more (provider-contracts §6 and §7)."""
SURELY_SHORT = 600
"""So many characters fit however they are written, at six bytes each: most messages need no second encoding."""

_EXPO_TOKEN = re.compile(
    r"Expo(nent)?PushToken\[[^\[\]\s]{1,200}\]|[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}", re.IGNORECASE | re.ASCII
)
"""The third form, like a UUID, is what Expo's own client accepts beside the two with brackets."""


def is_expo_token(token: str) -> bool:
    return _EXPO_TOKEN.fullmatch(token) is not None


def data_of(message: Message, *, with_variables: bool) -> dict[str, str]:
    """What the app itself reads: our id, so that it can tell us of opening, and the variables where it wants them."""
    if with_variables:
        return {**message.variables, "dispatch": message.dispatch_id}
    return {"dispatch": message.dispatch_id}


def refuse_too_long(message: Message, payload: dict[str, Any], index: int | None = None) -> None:
    """Raises Unsendable where the parts are longer than any device's push service takes."""
    characters = len(message.body) + len(message.subject or "") + len(message.media_url or "")
    if characters < SURELY_SHORT and len(payload["data"]) == 1:
        return
    size = len(msgspec.json.encode(payload))
    if size > MAX_PAYLOAD_BYTES:
        told = gettext("Title, text and data take %(size)s bytes; a push message holds %(most)s.")
        told %= {"size": size, "most": MAX_PAYLOAD_BYTES}
        raise Unsendable(Kind.REJECTED, "CONTENT_TOO_LONG", told, index)
