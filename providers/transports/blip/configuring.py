"""What a Blip configuration may say (seed 000 §4). Every key changes the request or how reports are believed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports.knobs import KNOBS, check_knobs
from providers.transports.sources import check_source
from providers.transports.whatsapp_templates import TEMPLATE, check_template

AI_AGENT, WHATSAPP = "AI_AGENT", "WHATSAPP"
API_URL = "https://msging.net/messages"
MESSAGES, COMMANDS = "/messages", "/commands"
HEADER = "X-Prism-Secret"
_CREDENTIAL = {"type": "string", "maxLength": 200}
_WORD = {"type": "string", "minLength": 1, "maxLength": 200}

# Seed 000, "WhatsApp (Blip)", as it stands there.
EXAMPLE: dict[str, Any] = {
    "bot_name": "bot-growth-campaigns-prod",
    "flow_id": "flow_credit_offer_v3",
    "api_url": "https://msging.net/messages",
    "bot_identifier": "bot-growth@msging.net",
    "authentication": {"type": "bearer_token", "token_env_var": "BLIP_API_TOKEN"},
}

AUTHENTICATION: dict[str, Any] = {
    "type": "object",
    "title": _("Authentication"),
    "additionalProperties": False,
    "required": ["type"],
    "properties": {
        "type": {
            "enum": ["bearer_token"],
            "default": "bearer_token",
            "x-titles": {"bearer_token": _("Key of the bot (Authorization: Key …)")},
            "title": _("How Prism signs in"),
        },
        "token_env_var": {
            **_CREDENTIAL,
            "title": _("Key of the bot"),
            "description": _("From Blip's portal, under connection information, HTTP; without the word “Key”."),
        },
        "token_secret": {**_CREDENTIAL, "title": _("Key of the bot (stored secret)")},
    },
}

NAMESPACE: dict[str, Any] = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{1,100}$",
    "maxLength": 100,
    "title": _("Namespace"),
    "description": _("As Blip's portal shows it for the templates; newer contracts have none."),
}
BLIP_TEMPLATE: dict[str, Any] = {
    **TEMPLATE,
    "properties": {**TEMPLATE["properties"], "namespace": NAMESPACE},
}

WEBHOOK: dict[str, Any] = {
    "type": "object",
    "title": _("Reports"),
    "description": _(
        "Blip signs nothing: what it reports is believed only with a secret header. Enter the address of this"
        " provider's page as the bot's notification address (HTTP), with the same header."
    ),
    "additionalProperties": False,
    "properties": {
        "header_name": {
            "type": "string",
            "pattern": "^[A-Za-z0-9-]{1,60}$",
            "maxLength": 60,
            "default": HEADER,
            "title": _("Header"),
            "description": _("The name of the header that you have entered in Blip's portal."),
        },
        "token_env_var": {
            **_CREDENTIAL,
            "title": _("Value of the header"),
            "description": _("A long random text of your own choice."),
        },
        "token_secret": {**_CREDENTIAL, "title": _("Value of the header (stored secret)")},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Blip",
    "x-icon": "smart_toy",
    "description": _("WhatsApp through a Blip bot, or a message handed to an AI agent on Blip."),
    "additionalProperties": False,
    "required": ["authentication"],
    "properties": {
        "provider_vendor": {"const": "blip", "title": _("Vendor")},
        "bot_identifier": {
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,100}@[A-Za-z0-9.-]{1,100}$",
            "maxLength": 200,
            "title": _("Identifier of the bot"),
            "description": _(
                "Such as bot-growth@msging.net. For WHATSAPP: the bot that sends. For AI_AGENT: the agent that the"
                " message is handed to."
            ),
        },
        "bot_name": {
            **_WORD,
            "title": _("Name of the bot"),
            "description": _("Goes along with every message as metadata, for reports and flows at Blip."),
        },
        "flow_id": {
            **_WORD,
            "title": _("Flow"),
            "description": _("Goes along with every message, so that the bot knows which flow an answer belongs to."),
        },
        "api_url": {
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!->@-~]*)?/messages$",
            "maxLength": 500,
            "default": API_URL,
            "title": _("Address"),
            "description": _(
                "Where messages are posted; ends in /messages. With a contract of your own:"
                " https://contract.http.msging.net/messages."
            ),
        },
        "authentication": AUTHENTICATION,
        "template": BLIP_TEMPLATE,
        "webhook": WEBHOOK,
        **{name: part for name, part in KNOBS.items() if name != "idempotent"},
    },
}


def check(provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = check_source(configuration["authentication"], "token", ("authentication",))
    webhook = configuration.get("webhook")
    if webhook is not None:
        found += check_source(webhook, "token", ("webhook",))
    if provider_type.upper() == AI_AGENT:
        if "bot_identifier" not in configuration:
            found.append(("bot_identifier", gettext("is needed for AI_AGENT: it is the agent that gets the message")))
        if "template" in configuration:
            found.append(("template", gettext("is for WHATSAPP only: the agent itself writes to the person")))
    return [*found, *check_template(configuration), *check_knobs(configuration)]
