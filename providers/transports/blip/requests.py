"""From a message to one LIME envelope over HTTP, and the question that comes before a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from providers.messages import Message, WireRequest
from providers.transports import Question
from providers.transports.agent import USER_AGENT
from providers.transports.blip.configuring import AI_AGENT, API_URL, COMMANDS, MESSAGES
from providers.transports.media import media_of
from providers.transports.phones import recipient_of
from providers.transports.whatsapp_templates import components_of, language_of

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

TOKEN = "authentication.token"  # noqa: S105 - the name of the credential
GATEWAY = "wa.gw.msging.net"
TEXT, JSON, MEDIA = "text/plain", "application/json", "application/vnd.lime.media-link+json"
IDENTITY = "identity:"


def build(settings: ProviderSettings, message: Message, known: Mapping[str, str]) -> WireRequest:
    """`known`: the identity of who is written to for the first time, by the question's key."""
    configuration = settings.configuration
    digits = recipient_of(message)
    fields: dict[str, Any] = {"id": message.dispatch_id}
    if settings.provider_type.upper() == AI_AGENT:
        fields |= {"to": configuration["bot_identifier"], **_handed_over(configuration, message, digits)}
    else:
        if "bot_identifier" in configuration:
            fields["from"] = configuration["bot_identifier"]
        to = known.get(IDENTITY + digits) or f"{digits}@{GATEWAY}"
        fields |= {"to": to, **_content(configuration, message)}
    metadata = {key: configuration[key] for key in ("bot_name", "flow_id") if key in configuration}
    if metadata:
        fields["metadata"] = metadata
    return _post(settings, configuration.get("api_url", API_URL), fields)


def identity_question(settings: ProviderSettings, message: Message) -> Question | None:
    """Asked before a template: WhatsApp knows some people by another number than they gave (the ninth digit), and some
    not at all. Plain text goes to who has written within a day: their number is right."""
    if not is_template(settings.configuration, message) or settings.provider_type.upper() == AI_AGENT:
        return None
    digits = recipient_of(message)
    # Without the + every number looks right to Blip. The id may be the message's: commands have ids of their own.
    command = {
        "id": message.dispatch_id,
        "to": f"postmaster@{GATEWAY}",
        "method": "get",
        "uri": f"lime://{GATEWAY}/accounts/+{digits}",
    }
    return Question(IDENTITY + digits, _post(settings, commands_url(settings.configuration), command))


def ping(settings: ProviderSettings, *, timeout_ms: int) -> WireRequest:
    """Blip's own check of a connection, as its portal makes it."""
    command = {"id": settings.provider_id, "method": "get", "uri": "/ping"}
    request = _post(settings, commands_url(settings.configuration), command)
    return msgspec.structs.replace(request, timeout_ms=min(request.timeout_ms, timeout_ms))


def commands_url(configuration: dict[str, Any]) -> str:
    """Beside where messages go."""
    url: str = configuration.get("api_url", API_URL)
    return url.removesuffix(MESSAGES) + COMMANDS


def is_template(configuration: dict[str, Any], message: Message) -> bool:
    return "template" in configuration and bool(message.template_code)


def _content(configuration: dict[str, Any], message: Message) -> dict[str, Any]:
    if is_template(configuration, message):
        return {
            "type": JSON,
            "content": {"type": "template", "template": _template(configuration["template"], message)},
        }
    if message.media_url:
        return {"type": MEDIA, "content": _media(message.media_url, message.body)}
    return {"type": TEXT, "content": message.body}


def _template(template: dict[str, Any], message: Message) -> dict[str, Any]:
    namespace = {"namespace": template["namespace"]} if "namespace" in template else {}
    components = components_of(template, message)
    return {
        **namespace,
        "name": message.template_code,
        "language": language_of(template),
        **({"components": components} if components else {}),
    }


def _media(url: str, caption: str) -> dict[str, str]:
    return {"type": media_of(url).mime, "uri": url, **({"text": caption} if caption else {})}


def _handed_over(configuration: dict[str, Any], message: Message, digits: str) -> dict[str, Any]:
    """What the agent needs to talk to the person: whom, about what, in which flow."""
    context = {
        "contact": f"+{digits}",
        "message": message.body,
        "template": message.template_code,
        "variables": message.variables,
        "media_url": message.media_url,
        "flow_id": configuration.get("flow_id"),
    }
    return {"type": JSON, "content": {key: value for key, value in context.items() if value}}


def _post(settings: ProviderSettings, url: str, fields: dict[str, Any]) -> WireRequest:
    return WireRequest(
        method="POST",
        url=url,
        headers=(
            f"Authorization: Key {settings.credentials[TOKEN]}",
            "Content-Type: application/json",
            "Accept: application/json",
            USER_AGENT,
        ),
        body=msgspec.json.encode(fields),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )
