"""From a message to one request to the Cloud API: approved template, media or text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable
from providers.transports.agent import USER_AGENT
from providers.transports.media import DOCUMENT, media_of
from providers.transports.meta.configuring import API_URL, API_VERSION
from providers.transports.phones import recipient_of
from providers.transports.whatsapp_templates import components_of, language_of

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

TOKEN = "authentication.token"  # noqa: S105 - the name of the credential
LONGEST_TEXT = 4096  # [GK]
LONGEST_CAPTION = 1024  # [GK]


def build(settings: ProviderSettings, message: Message) -> WireRequest:
    configuration = settings.configuration
    fields = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": recipient_of(message),
        **_content(configuration, message),
        "biz_opaque_callback_data": message.dispatch_id,
    }
    return WireRequest(
        method="POST",
        url=f"{number_url(configuration)}/messages",
        headers=(*headers_of(settings), "Content-Type: application/json"),
        body=msgspec.json.encode(fields),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )


def number_url(configuration: dict[str, Any]) -> str:
    base = configuration.get("api_url", API_URL).rstrip("/")
    return f"{base}/{configuration.get('api_version', API_VERSION)}/{configuration['phone_number_id']}"


def headers_of(settings: ProviderSettings) -> tuple[str, ...]:
    return (f"Authorization: Bearer {settings.credentials[TOKEN]}", "Accept: application/json", USER_AGENT)


def _content(configuration: dict[str, Any], message: Message) -> dict[str, Any]:
    template = configuration.get("template")
    if template and message.template_code:
        return {"type": "template", "template": _template(template, message)}
    if message.media_url:
        return _media(message.media_url, message.body)
    checked(message.body, LONGEST_TEXT)
    return {"type": "text", "text": {"body": message.body, "preview_url": configuration.get("preview_url", False)}}


def _template(template: dict[str, Any], message: Message) -> dict[str, Any]:
    components = components_of(template, message)
    return {
        "name": message.template_code,
        "language": language_of(template),
        **({"components": components} if components else {}),
    }


def _media(url: str, caption: str) -> dict[str, Any]:
    media = media_of(url)
    if caption:
        media = media.with_caption()
        checked(caption, LONGEST_CAPTION)
    fields: dict[str, str] = {"link": url}
    if caption:
        fields["caption"] = caption
    if media.kind == DOCUMENT:
        fields["filename"] = media.name
    return {"type": media.kind, media.kind: fields}


def checked(text: str, longest: int) -> None:
    if len(text) > longest:
        told = gettext("The text has %(length)s characters; at most %(limit)s are sent.")
        raise Unsendable(Kind.REJECTED, "CONTENT_TOO_LONG", told % {"length": len(text), "limit": longest})
