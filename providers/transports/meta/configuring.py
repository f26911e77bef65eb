"""What a configuration of Meta's Cloud API may say. Every key changes the request or how reports are believed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from providers.transports.knobs import KNOBS, check_knobs
from providers.transports.sources import check_source
from providers.transports.whatsapp_templates import TEMPLATE, check_template

API_URL = "https://graph.facebook.com"
API_VERSION = "v25.0"
_CREDENTIAL = {"type": "string", "maxLength": 200}

EXAMPLE: dict[str, Any] = {
    "provider_vendor": "meta",
    "phone_number_id": "106540352242922",
    "authentication": {"token_env_var": "PRISM_PROVIDER_META_TOKEN"},
    "template": {"language": "pt_BR"},
    "webhook": {
        "app_secret_env_var": "PRISM_PROVIDER_META_APP_SECRET",
        "verify_token_env_var": "PRISM_PROVIDER_META_VERIFY_TOKEN",
    },
}

AUTHENTICATION: dict[str, Any] = {
    "type": "object",
    "title": _("Authentication"),
    "additionalProperties": False,
    "properties": {
        "token_env_var": {
            **_CREDENTIAL,
            "title": _("Access token"),
            "description": _("Of a system user with the permission whatsapp_business_messaging; it does not expire."),
        },
        "token_secret": {**_CREDENTIAL, "title": _("Access token (stored secret)")},
    },
}

WEBHOOK: dict[str, Any] = {
    "type": "object",
    "title": _("Reports"),
    "description": _(
        "What Meta reports of each message is believed only with these two. Enter the address of this provider's page"
        " and the verify token in the app's WhatsApp configuration, and subscribe to “messages”."
    ),
    "additionalProperties": False,
    "properties": {
        "app_secret_env_var": {
            **_CREDENTIAL,
            "title": _("App secret"),
            "description": _("From the app's basic settings: Meta signs every report with it."),
        },
        "app_secret_secret": {**_CREDENTIAL, "title": _("App secret (stored secret)")},
        "verify_token_env_var": {
            **_CREDENTIAL,
            "title": _("Verify token"),
            "description": _("A word of your own choice: Meta shows it once, when the address is entered there."),
        },
        "verify_token_secret": {**_CREDENTIAL, "title": _("Verify token (stored secret)")},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": _("Meta (WhatsApp Cloud API)"),
    "x-icon": "chat",
    "description": _("WhatsApp straight from Meta, with a number of your WhatsApp business account."),
    "additionalProperties": False,
    "required": ["provider_vendor", "phone_number_id", "authentication"],
    "properties": {
        "provider_vendor": {"const": "meta", "title": _("Vendor")},
        "phone_number_id": {
            "type": "string",
            "pattern": "^[0-9]{5,30}$",
            "title": _("Phone number ID"),
            "description": _("The sender's, from the app's API set-up: a long number, not the phone number itself."),
        },
        "preview_url": {
            "type": "boolean",
            "default": False,
            "title": _("Preview links"),
            "description": _("WhatsApp shows a preview of the first link of a plain text."),
        },
        "api_version": {
            "x-rare": True,
            "type": "string",
            "pattern": "^v[0-9]{1,3}\\.[0-9]$",
            "maxLength": 10,
            "default": API_VERSION,
            "title": _("API version"),
            "description": _("Of the Graph API, such as v25.0. Meta retires a version after about two years."),
        },
        "api_url": {
            "x-rare": True,
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!->@-~]*)?$",
            "maxLength": 500,
            "default": API_URL,
            "title": _("Address"),
            "description": _("Of the Graph API, such as https://graph.facebook.com."),
        },
        "authentication": AUTHENTICATION,
        "template": TEMPLATE,
        "webhook": WEBHOOK,
        **{name: part for name, part in KNOBS.items() if name != "idempotent"},
    },
}


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = check_source(configuration["authentication"], "token", ("authentication",))
    webhook = configuration.get("webhook")
    if webhook is not None:
        found += check_source(webhook, "app_secret", ("webhook",))
        found += check_source(webhook, "verify_token", ("webhook",))
    return [*found, *check_template(configuration), *check_knobs(configuration)]
