"""From a message to one request to FCM. On the hot path: plain dictionary reads and one JSON encoding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, push
from providers.transports.agent import USER_AGENT
from providers.transports.fcm import tokens
from providers.transports.fcm.configuring import address_of

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

NOT_A_TOKEN = "NOT_AN_FCM_TOKEN"  # noqa: S105 - a reason
LONGEST_TOKEN = 4096
_TOKEN = re.compile(r"[!-~]+")
# Names that Google keeps for itself (provider-contracts §7).
_RESERVED = re.compile(r"from|message_type|gcm.*|google.*", re.IGNORECASE | re.DOTALL)
_COMMON = ("Content-Type: application/json", "Accept: application/json", USER_AGENT)
_APNS_PRIORITY = {"high": "10", "normal": "5"}


def build(settings: ProviderSettings, messages: Sequence[Message], token: str) -> WireRequest:
    """Raises Unsendable."""
    (message,) = messages
    base, project = address_of(settings.configuration)
    project = project or settings.configuration.get("app_id") or tokens.account_of(settings).project
    return WireRequest(
        method="POST",
        url=f"{base}/v1/projects/{project}/messages:send",
        headers=(*_COMMON, f"Authorization: Bearer {token}") if token else _COMMON,
        body=msgspec.json.encode({"message": _message(settings, message), "validate_only": False}),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
        http2=True,
    )


def _message(settings: ProviderSettings, message: Message) -> dict[str, Any]:
    configuration = settings.configuration
    notification = {"title": message.subject} if message.subject else {}
    notification["body"] = message.body
    if message.media_url:
        notification["image"] = message.media_url
    payload = {"notification": notification, "data": _data(configuration, message)}
    push.refuse_too_long(message, payload)
    return {"token": _registration(message), **payload, **_options(configuration)}


def _registration(message: Message) -> str:
    """A token that cannot be FCM's may be a good one of another vendor: the message is refused, not the address."""
    token = message.to.strip()
    if push.is_expo_token(token):
        raise Unsendable(Kind.REJECTED, NOT_A_TOKEN, gettext("The push token is one of Expo's."))
    if len(token) > LONGEST_TOKEN or not _TOKEN.fullmatch(token):
        raise Unsendable(Kind.REJECTED, NOT_A_TOKEN, gettext("The push token is none of FCM's."))
    return token


def _data(configuration: dict[str, Any], message: Message) -> dict[str, str]:
    data = push.data_of(message, with_variables=configuration.get("send_variables", False))
    reserved = next((name for name in data if _RESERVED.fullmatch(name)), None)
    if reserved is not None:
        raise Unsendable(
            Kind.REJECTED, "RESERVED_NAME", gettext("Google keeps the name “%(name)s” for itself.") % {"name": reserved}
        )
    return data


def _options(configuration: dict[str, Any]) -> dict[str, Any]:
    """What goes along with every message of the provider, for each kind of device."""
    android: dict[str, Any] = {}
    apns: dict[str, str] = {}
    if priority := configuration.get("priority"):
        android["priority"] = priority
        apns["apns-priority"] = _APNS_PRIORITY[priority]
    if "ttl_s" in configuration:
        android["ttl"] = f"{configuration['ttl_s']}s"
    if key := configuration.get("collapse_key"):
        android["collapse_key"] = key
        apns["apns-collapse-id"] = key
    shown = {name: configuration[name] for name in ("channel_id", "sound") if name in configuration}
    if shown:
        android["notification"] = shown
    options: dict[str, Any] = {"android": android} if android else {}
    of_apple: dict[str, Any] = {"headers": apns} if apns else {}
    if sound := configuration.get("sound"):
        of_apple["payload"] = {"aps": {"sound": sound}}
    if of_apple:
        options["apns"] = of_apple
    if label := configuration.get("analytics_label"):
        options["fcm_options"] = {"analytics_label": label}
    return options
