"""From a message to one request to an Evolution API server, and how the server is told where to report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from providers.messages import Message, WireRequest
from providers.transports.agent import USER_AGENT
from providers.transports.evolution.configuring import HEADER, JWT
from providers.transports.media import media_of
from providers.transports.phones import recipient_of
from providers.transports.whatsapp_templates import components_of

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

API_KEY = "authentication.api_key"
REPORTED = ["MESSAGES_UPDATE", "CONNECTION_UPDATE"]
"""What people write to the instance is not asked for: nobody here would read it."""


def build(settings: ProviderSettings, message: Message) -> WireRequest:
    configuration = settings.configuration
    number = recipient_of(message)
    template = configuration.get("template")
    if template and message.template_code:
        fields = {
            "number": number,
            "name": message.template_code,
            "language": template["language"],
            "components": components_of(template, message),
        }
        return _post(settings, "message/sendTemplate", fields)
    delay = configuration.get("delay_ms", 0)
    waiting = {"delay": delay} if delay else {}
    if message.media_url:
        fields = {"number": number, **_media(message.media_url, message.body), **waiting}
        return _post(settings, "message/sendMedia", fields, delay)
    preview = configuration.get("link_preview", False)
    return _post(
        settings,
        "message/sendText",
        {"number": number, "text": message.body, **waiting, "linkPreview": preview},
        delay,
    )


def register(settings: ProviderSettings) -> WireRequest | None:
    secret = webhook_secret(settings)
    if not settings.webhook_url or not secret:
        return None
    webhook = settings.configuration.get("webhook", {})
    # Evolution keeps a jwt_key for itself and signs a token with it for each call.
    name = "jwt_key" if webhook.get("type") == JWT else webhook.get("header_name", HEADER)
    told = {
        "enabled": True,
        "url": settings.webhook_url,
        "headers": {name: secret},
        "byEvents": False,
        "base64": False,
        "events": REPORTED,
    }
    return _post(settings, "webhook/set", {"webhook": told})


def webhook_secret(settings: ProviderSettings) -> str:
    """The one that was entered, or ours for this provider."""
    return settings.credentials.get("webhook.token") or settings.webhook_token


def state_url(configuration: dict[str, Any]) -> str:
    return _url(configuration, "instance/connectionState")


def headers_of(settings: ProviderSettings) -> tuple[str, ...]:
    return (f"apikey: {settings.credentials[API_KEY]}", "Accept: application/json", USER_AGENT)


def _media(url: str, caption: str) -> dict[str, str]:
    media = media_of(url)
    if caption:
        media = media.with_caption()
    fields = {"mediatype": media.kind, "media": url, "mimetype": media.mime, "fileName": media.name}
    return {**fields, "caption": caption} if caption else fields


def _post(settings: ProviderSettings, route: str, fields: dict[str, Any], delay_ms: int = 0) -> WireRequest:
    return WireRequest(
        method="POST",
        url=_url(settings.configuration, route),
        headers=(*headers_of(settings), "Content-Type: application/json"),
        body=msgspec.json.encode(fields),
        timeout_ms=settings.timeout_ms + delay_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )


def _url(configuration: dict[str, Any], route: str) -> str:
    return f"{configuration['api_url'].rstrip('/')}/{route}/{quote(configuration['instance'], safe='')}"
