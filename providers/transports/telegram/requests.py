"""From a message to one request of the Bot API. On the hot path: dictionary reads and one JSON encoding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable
from providers.transports.agent import USER_AGENT
from providers.transports.telegram.configuring import API_URL
from providers.transports.telegram.markup import Marked, read_markup

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

HEADERS = ("Content-Type: application/json", "Accept: application/json", USER_AGENT)
LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
LONGEST_BODY = 4 * LONGEST_TEXT
"""With formatting and the addresses of its links; a longer one is not even read."""
# By the ending of the address: (method, name of its field). Documents by address may only be these (Bot API, "Sending
# files"), and an address without an ending is most often a picture.
_PHOTO, _VIDEO, _AUDIO = ("sendPhoto", "photo"), ("sendVideo", "video"), ("sendAudio", "audio")
_DOCUMENT = ("sendDocument", "document")
MEDIA = {
    **dict.fromkeys(("mp4", "mov", "m4v"), _VIDEO),
    **dict.fromkeys(("mp3", "m4a"), _AUDIO),
    **dict.fromkeys(("pdf", "zip", "gif"), _DOCUMENT),
}
_CHAT = re.compile(r"-?[1-9][0-9]{0,19}", re.ASCII)
_CHANNEL = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}", re.ASCII)


def build(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    (message,) = messages
    if len(message.body) > LONGEST_BODY:
        raise _too_long(len(message.body), LONGEST_TEXT)
    features = settings.configuration.get("features", {})
    marked = read_markup(
        message.body,
        message.variables.values(),
        formatting=bool(features.get("markdown")),
        buttons=bool(features.get("inline_keyboard")),
    )
    chat = _chat_of(message.to)
    method, fields = _content(message, marked)
    return request(settings, method, {"chat_id": chat, **fields, **_options(features, marked, method)})


def request(settings: ProviderSettings, method: str, fields: dict[str, Any]) -> WireRequest:
    return WireRequest(
        method="POST",
        url=method_url(settings, method),
        headers=HEADERS,
        body=msgspec.json.encode(fields),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )


def method_url(settings: ProviderSettings, method: str) -> str:
    base: str = settings.configuration.get("api_url", API_URL)
    return f"{base.rstrip('/')}/bot{quote(settings.credentials['bot_token'], safe=':')}/{method}"


def _chat_of(to: str) -> int | str:
    given = to.strip()
    if _CHAT.fullmatch(given):
        return int(given)
    if _CHANNEL.fullmatch(given):
        return given
    told = gettext("The address is no chat id of Telegram.")
    raise Unsendable(Kind.RECIPIENT_INVALID, "INVALID_CHAT_ID", told)


def _content(message: Message, marked: Marked) -> tuple[str, dict[str, Any]]:
    """The method, and the fields that say what is sent."""
    longest = LONGEST_CAPTION if message.media_url else LONGEST_TEXT
    if len(marked.text) > longest:
        raise _too_long(len(marked.text), longest)
    if not message.media_url:
        if not marked.text.strip():
            raise Unsendable(Kind.REJECTED, "EMPTY_MESSAGE", gettext("The message has neither text nor media."))
        return "sendMessage", {"text": marked.text, **_given("entities", marked.entities)}
    method, field = _media_of(message.media_url)
    caption = {**_given("caption", marked.text), **_given("caption_entities", marked.entities)}
    return method, {field: message.media_url, **caption}


def _too_long(length: int, limit: int) -> Unsendable:
    told = gettext("The text has %(length)s characters; at most %(limit)s are sent.")
    return Unsendable(Kind.REJECTED, "CONTENT_TOO_LONG", told % {"length": length, "limit": limit})


def _options(features: dict[str, Any], marked: Marked, method: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if marked.buttons:
        options["reply_markup"] = {"inline_keyboard": marked.buttons}
    if features.get("link_preview") is False and method == "sendMessage":
        options["link_preview_options"] = {"is_disabled": True}
    if features.get("silent"):
        options["disable_notification"] = True
    if features.get("protect_content"):
        options["protect_content"] = True
    return options


def _media_of(address: str) -> tuple[str, str]:
    try:
        name = urlsplit(address).path.rpartition("/")[2]
    except ValueError:
        return _PHOTO
    return MEDIA.get(name.rpartition(".")[2].lower(), _PHOTO) if "." in name else _PHOTO


def _given(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}
