"""From messages of one content to one request to SendGrid. On the hot path: dictionary reads and one JSON encoding."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext

from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, emails, mail_blocks
from providers.transports.agent import USER_AGENT
from providers.transports.sendgrid.configuring import ADDRESSES

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

PATH = "/v3/mail/send"
_API_KEY = "api_key"
_COMMON = ("Content-Type: application/json", "Accept: application/json", USER_AGENT)


def group_key(settings: ProviderSettings, message: Message) -> Hashable:
    """Who gets the same, but for the variables of a template that SendGrid fills in itself."""
    return _dynamic_template(settings, message) or (message.subject, message.body, message.media_url)


def build(settings: ProviderSettings, messages: Sequence[Message]) -> WireRequest:
    """`messages` have one group key. Raises Unsendable."""
    configuration = settings.configuration
    template = _dynamic_template(settings, messages[0])
    unsubscribe = configuration.get("list_unsubscribe")
    own_headers = unsubscribe is not None and mail_blocks.differs_by_message(unsubscribe)
    body: dict[str, Any] = {
        "personalizations": [
            _personalization(
                message, index, is_dynamic=bool(template), unsubscribe=unsubscribe if own_headers else None
            )
            for index, message in enumerate(messages)
        ],
        "from": configuration["sender"],
    }
    if reply_to := configuration.get("reply_to"):
        body["reply_to"] = reply_to
    body |= {"template_id": template} if template else _content(configuration, messages[0])
    if unsubscribe and not own_headers:
        body["headers"] = mail_blocks.unsubscribe_headers(unsubscribe, messages[0])
    body |= _options(configuration)
    return WireRequest(
        method="POST",
        url=address_of(settings) + PATH,
        headers=headers_of(settings),
        body=msgspec.json.encode(body),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
        wants_headers=True,
    )


def address_of(settings: ProviderSettings) -> str:
    configuration = settings.configuration
    address: str = configuration.get("api_url") or ADDRESSES[configuration.get("region", "global")]
    return address.rstrip("/")


def headers_of(settings: ProviderSettings) -> tuple[str, ...]:
    return (*_COMMON, f"Authorization: Bearer {settings.credentials[_API_KEY]}")


def _dynamic_template(settings: ProviderSettings, message: Message) -> str:
    """The id at SendGrid of what goes out in place of our text; "" where ours does."""
    kept: dict[str, str] = settings.configuration.get("dynamic_templates", {})
    return kept.get(message.template_code or "", "")


def _personalization(
    message: Message, index: int, *, is_dynamic: bool, unsubscribe: dict[str, Any] | None
) -> dict[str, Any]:
    """What is one person's own."""
    own: dict[str, Any] = {"to": [{"email": mail_blocks.address_of(message, index)}]}
    if is_dynamic:
        subject = {"subject": message.subject} if message.subject else {}
        own["dynamic_template_data"] = {**subject, **message.variables}
    if unsubscribe is not None:
        own["headers"] = mail_blocks.unsubscribe_headers(unsubscribe, message)
    own["custom_args"] = {"dispatch": message.dispatch_id}
    return own


def _content(configuration: dict[str, Any], message: Message) -> dict[str, Any]:
    """SendGrid takes neither an empty subject nor an empty body. The text comes before its HTML."""
    if not (message.subject or "").strip():
        raise Unsendable(Kind.REJECTED, "NO_SUBJECT", gettext("An e-mail needs a subject."))
    if not message.body.strip():
        raise Unsendable(Kind.REJECTED, "NO_CONTENT", gettext("An e-mail needs a text."))
    content = emails.content_of(message.body, message.media_url, is_html=configuration.get("html"))
    parts = [{"type": "text/plain", "value": content.text}]
    if content.html is not None:
        parts.append({"type": "text/html", "value": content.html})
        if not content.text.strip():
            del parts[0]  # nothing to read but pictures
    return {"subject": message.subject, "content": parts}


def _options(configuration: dict[str, Any]) -> dict[str, Any]:
    """What goes along with every message of the provider."""
    options: dict[str, Any] = {key: configuration[key] for key in ("categories", "asm") if configuration.get(key)}
    if configuration.get("sandbox_mode"):
        options["mail_settings"] = {"sandbox_mode": {"enable": True}}
    tracking = configuration.get("tracking")
    if tracking is not None:
        is_on = tracking.get("enabled", True)
        options["tracking_settings"] = {
            name: {"enable": is_on and tracking.get(name, True)} for name in ("click_tracking", "open_tracking")
        }
    return options
