"""What a Telegram configuration may say (seed 000 §4). Every key changes a request, or is checked against the bot."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from providers.transports.knobs import SILENT_KNOBS, check_knobs
from providers.transports.sources import check_source

API_URL = "https://api.telegram.org"

# Seed 000, "Telegram", as it stands there.
EXAMPLE: dict[str, Any] = {
    "bot_token_env_var": "TELEGRAM_BOT_TOKEN",
    "bot_username": "@ifood_notifications_bot",
    "api_url": "https://api.telegram.org",
    "webhook_url": "https://prism.ifood.com.br/webhooks/telegram",
    "features": {"inline_keyboard": True, "markdown": True},
}

FEATURES: dict[str, Any] = {
    "type": "object",
    "title": _("Features"),
    "additionalProperties": False,
    "properties": {
        "markdown": {
            "type": "boolean",
            "default": False,
            "title": _("Formatting"),
            "description": _(
                "*bold*, _italic_, __underlined__, ~struck~, ||hidden||, `code` and [text](https://…) are shown so."
                " What contacts' values hold is never taken for formatting."
            ),
        },
        "inline_keyboard": {
            "type": "boolean",
            "default": False,
            "title": _("Buttons"),
            "description": _(
                "Lines at the end of the text that hold nothing but [Label](https://…) become buttons below it."
            ),
        },
        "link_preview": {
            "type": "boolean",
            "default": True,
            "title": _("Previews of links"),
            "description": _("Telegram shows a picture of the first address in the text."),
        },
        "silent": {
            "type": "boolean",
            "default": False,
            "title": _("Without a sound"),
            "description": _("The message arrives without ringing."),
        },
        "protect_content": {
            "type": "boolean",
            "default": False,
            "title": _("No forwarding"),
            "description": _("People can neither forward nor save the message."),
        },
    },
}

_ADDRESS = {"type": "string", "maxLength": 500}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Telegram",
    "x-icon": "send",
    "description": _("Messages of a Telegram bot, to people who have started it."),
    "additionalProperties": False,
    "properties": {
        "provider_vendor": {"const": "telegram", "title": _("Vendor")},
        "bot_token_env_var": {
            "type": "string",
            "maxLength": 200,
            "title": _("Bot token"),
            "description": _("From @BotFather, such as 123456:ABC-DEF…."),
        },
        "bot_token_secret": {"type": "string", "maxLength": 200, "title": _("Bot token (stored secret)")},
        "bot_username": {
            "type": "string",
            "pattern": "^@?[A-Za-z][A-Za-z0-9_]{2,31}$",
            "title": _("Name of the bot"),
            "description": _("Such as @my_company_bot. “Test connection” tells when the token is another bot's."),
        },
        "webhook_url": {
            **_ADDRESS,
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!->@-~]*)?$",
            "title": _("Where Telegram reports to"),
            "description": _(
                "Such as https://prism.example.com/webhooks/telegram. Default: this provider's own webhook address."
            ),
        },
        "api_url": {
            **_ADDRESS,
            "x-rare": True,
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!->@-~]*)?$",
            "default": API_URL,
            "title": _("Address"),
            "description": _("Of the Bot API, such as https://api.telegram.org."),
        },
        "features": FEATURES,
        **SILENT_KNOBS,
    },
}


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    return [*check_source(configuration, "bot_token"), *check_knobs(configuration)]
