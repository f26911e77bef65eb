"""What a Twilio configuration may say (seed 000 §4). Every key changes the request, or is enforced before it."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports.knobs import KNOBS, check_knobs
from providers.transports.sources import check_source, is_given

SMS, WHATSAPP = "SMS", "WHATSAPP"
API_URL = "https://api.twilio.com/2010-04-01"
LONGEST_BODY = 1600
WHATSAPP_PREFIX = "whatsapp:"
_NUMBER = re.compile(r"(whatsapp:)?\+?[0-9]{7,15}")
_CREDENTIAL = {"type": "string", "maxLength": 200}

# Seed 000, "SMS (Twilio)", as it stands there.
EXAMPLE: dict[str, Any] = {
    "provider_vendor": "twilio",
    "account_sid": "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "auth_token_env_var": "TWILIO_AUTH_TOKEN",
    "sender_id": "+5511999999999",
    "messaging_service_sid": "MGxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "api_url": "https://api.twilio.com/2010-04-01",
    "features": {"short_urls": True, "delivery_receipts": True, "character_limit": 160},
}

FEATURES: dict[str, Any] = {
    "type": "object",
    "title": _("Features"),
    "additionalProperties": False,
    "properties": {
        "delivery_receipts": {
            "type": "boolean",
            "default": True,
            "title": _("Delivery receipts"),
            "description": _("Twilio reports what became of each message (needs PUBLIC_URL)."),
        },
        "short_urls": {
            "type": "boolean",
            "default": False,
            "title": _("Short links"),
            "description": _("Twilio shortens the links of the text. Needs a messaging service with a link domain."),
        },
        "character_limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": LONGEST_BODY,
            "default": LONGEST_BODY,
            "title": _("Longest text (characters)"),
            "description": _(
                "A longer text is not sent: the message fails with CONTENT_TOO_LONG. 160 characters without accents"
                " are one SMS."
            ),
        },
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Twilio",
    "x-icon": "sms",
    "description": _("SMS and MMS, and WhatsApp, through Twilio Programmable Messaging."),
    "additionalProperties": False,
    "required": ["provider_vendor", "account_sid", "sender_id"],
    "properties": {
        "provider_vendor": {"const": "twilio", "title": _("Vendor")},
        "account_sid": {
            "type": "string",
            "pattern": "^AC[0-9A-Za-z]{8,62}$",
            "title": _("Account SID"),
            "description": _("From Twilio's console: begins with AC."),
        },
        "auth_token_env_var": {
            **_CREDENTIAL,
            "title": _("Auth token"),
            "description": _("Signs in, and proves that reports come from Twilio."),
        },
        "auth_token_secret": {**_CREDENTIAL, "title": _("Auth token (stored secret)")},
        "sender_id": {
            "type": "string",
            "pattern": "^((whatsapp:)?\\+?[0-9]{3,15}|[A-Za-z0-9 +_&-]{1,11})$",
            "title": _("Sender"),
            "description": _(
                "A number of the account such as +5511999999999, a short code, or a name of up to 11 letters. With a"
                " messaging service it must belong to the service's senders."
            ),
        },
        "messaging_service_sid": {
            "type": "string",
            "pattern": "^MG[0-9A-Za-z]{8,62}$",
            "title": _("Messaging service SID"),
            "description": _("Begins with MG. The service's rules then hold; the sender above stays the sender."),
        },
        "api_key_sid": {
            "type": "string",
            "pattern": "^SK[0-9A-Za-z]{8,62}$",
            "title": _("API key SID"),
            "description": _("Begins with SK. Prism then signs in with the API key instead of the auth token."),
        },
        "api_key_env_var": {**_CREDENTIAL, "title": _("API key's secret")},
        "api_key_secret": {**_CREDENTIAL, "title": _("API key's secret (stored secret)")},
        "api_url": {
            "x-rare": True,
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!->@-~]*)?$",
            "maxLength": 500,
            "default": API_URL,
            "title": _("Address"),
            "description": _("Of Twilio's API, such as https://api.twilio.com/2010-04-01."),
        },
        "features": FEATURES,
        "content_templates": {
            "type": "object",
            "x-rows": 2,
            "maxProperties": 500,
            "additionalProperties": {"type": "string", "pattern": "^HX[0-9A-Za-z]{8,62}$"},
            "title": _("Content templates"),
            "description": _(
                "Template code: the template's content SID at Twilio (HX…), such as tpl_offer: HX0123…. A message of"
                " such a template is sent by it, which WhatsApp demands outside of a conversation."
            ),
        },
        "content_variables": {
            "enum": ["position", "name"],
            "default": "position",
            "title": _("Variables of content templates"),
            "x-titles": {
                "position": _("Numbered, in the order in which our template names them"),
                "name": _("By the names of our placeholders"),
            },
        },
        "validity_period_s": {
            "x-rare": True,
            "type": "integer",
            "minimum": 1,
            "maximum": 36_000,
            "title": _("Valid for (seconds)"),
            "description": _("A message that waits longer in Twilio's queue is not sent."),
        },
        "max_price": {
            "x-rare": True,
            "type": "string",
            "pattern": "^[0-9]{1,4}(\\.[0-9]{1,4})?$",
            "title": _("Highest price (USD)"),
            "description": _("Sent along as MaxPrice. Twilio has ignored it since June 2024."),
        },
        **{name: part for name, part in KNOBS.items() if name != "idempotent"},
    },
}


def check(provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = [*check_source(configuration, "auth_token"), *check_knobs(configuration)]
    has_key = "api_key_sid" in configuration
    found += check_source(configuration, "api_key", required=has_key)
    if is_given(configuration, "api_key") and not has_key:
        found.append(("api_key_sid", gettext("is needed with the API key's secret")))
    sender = configuration["sender_id"]
    if provider_type.upper() == WHATSAPP and not _NUMBER.fullmatch(sender):
        found.append(("sender_id", gettext("must be a number for WhatsApp, such as +5511999999999")))
    if provider_type.upper() == SMS and sender.startswith(WHATSAPP_PREFIX):
        found.append(("sender_id", gettext("is a sender of WhatsApp; this provider is of the type SMS")))
    if configuration.get("features", {}).get("short_urls") and "messaging_service_sid" not in configuration:
        found.append(("features.short_urls", gettext("needs messaging_service_sid: only a service shortens links")))
    if "content_variables" in configuration and not configuration.get("content_templates"):
        found.append(("content_variables", gettext("is used with content_templates only")))
    return found
