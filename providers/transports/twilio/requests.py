"""From a message to one request to Twilio. On the hot path: dictionary reads and one form encoding."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, phones
from providers.transports.agent import USER_AGENT
from providers.transports.twilio.configuring import API_URL, LONGEST_BODY, WHATSAPP, WHATSAPP_PREFIX

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

STATUS_PATH = "status"
DISPATCH = "dispatch"
"""The query parameter by which Twilio's reports name our dispatch."""
_FORM = "Content-Type: application/x-www-form-urlencoded"
_COMMON = ("Accept: application/json", USER_AGENT)


def build(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    (message,) = messages
    return WireRequest(
        method="POST",
        url=f"{account_url(settings)}/Messages.json",
        headers=(_FORM, *headers_of(settings)),
        body=urlencode(_fields(settings, message), errors="replace").encode(),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )


def account_url(settings: ProviderSettings) -> str:
    configuration = settings.configuration
    base: str = configuration.get("api_url", API_URL)
    return f"{base.rstrip('/')}/Accounts/{configuration['account_sid']}"


def headers_of(settings: ProviderSettings) -> tuple[str, ...]:
    """What every request to Twilio carries, its credential among them."""
    return (*_COMMON, f"Authorization: Basic {_basic_credential(settings)}")


def _basic_credential(settings: ProviderSettings) -> str:
    """As it stands in the header: the account's token, or its API key where one is set up."""
    user = settings.configuration.get("api_key_sid")
    if user is not None:
        return b64encode(f"{user}:{settings.credentials['api_key']}".encode()).decode()
    return b64encode(f"{settings.configuration['account_sid']}:{settings.credentials['auth_token']}".encode()).decode()


def wants_receipts(configuration: dict[str, Any]) -> bool:
    return configuration.get("features", {}).get("delivery_receipts", True) is not False


def _fields(settings: ProviderSettings, message: Message) -> list[tuple[str, str]]:
    """In a fixed order, so that a recorded request can be compared byte by byte."""
    configuration = settings.configuration
    features = configuration.get("features", {})
    is_whatsapp = settings.provider_type.upper() == WHATSAPP
    fields = [("To", _recipient(message, is_whatsapp=is_whatsapp))]
    fields.append(("From", _sender(configuration["sender_id"], is_whatsapp=is_whatsapp)))
    if "messaging_service_sid" in configuration:
        fields.append(("MessagingServiceSid", configuration["messaging_service_sid"]))
    content = configuration.get("content_templates", {}).get(message.template_code)
    fields += _template(content, configuration, message) if content else _text(features, message)
    if settings.webhook_url and wants_receipts(configuration):
        address = f"{settings.webhook_url}/{STATUS_PATH}?{DISPATCH}={quote(message.dispatch_id, safe='')}"
        fields.append(("StatusCallback", address))
    if features.get("short_urls"):
        fields.append(("ShortenUrls", "true"))
    if "validity_period_s" in configuration:
        fields.append(("ValidityPeriod", str(configuration["validity_period_s"])))
    if "max_price" in configuration:
        fields.append(("MaxPrice", configuration["max_price"]))
    return fields


def _recipient(message: Message, *, is_whatsapp: bool) -> str:
    number = phones.e164_of(message.to)
    if number is None:
        raise Unsendable(Kind.RECIPIENT_INVALID, "INVALID_NUMBER", gettext("The address is no phone number."))
    return WHATSAPP_PREFIX + number if is_whatsapp else number


def _sender(sender: str, *, is_whatsapp: bool) -> str:
    if not is_whatsapp:
        return sender
    return f"{WHATSAPP_PREFIX}+{sender.removeprefix(WHATSAPP_PREFIX).removeprefix('+')}"


def _text(features: dict[str, Any], message: Message) -> list[tuple[str, str]]:
    limit = min(features.get("character_limit", LONGEST_BODY), LONGEST_BODY)
    if len(message.body) > limit:
        told = gettext("The text has %(length)s characters; at most %(limit)s are sent.")
        raise Unsendable(Kind.REJECTED, "CONTENT_TOO_LONG", told % {"length": len(message.body), "limit": limit})
    if not message.media_url:
        return [("Body", message.body)]
    return [*([("Body", message.body)] if message.body else []), ("MediaUrl", message.media_url)]


def _template(content_sid: str, configuration: dict[str, Any], message: Message) -> list[tuple[str, str]]:
    values = message.variables
    if configuration.get("content_variables") != "name":
        values = {str(place): values.get(name, "") for place, name in enumerate(message.placeholders, 1)}
    fields = [("ContentSid", content_sid)]
    if values:
        fields.append(("ContentVariables", msgspec.json.encode(values).decode()))
    return fields
