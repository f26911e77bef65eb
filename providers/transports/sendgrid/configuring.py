"""What a SendGrid provider's configuration may say. Every key changes the request or how events are read."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports import emails
from providers.transports.knobs import KNOBS
from providers.transports.mail_blocks import LIST_UNSUBSCRIBE, REPLY_TO, SENDER, check_list_unsubscribe
from providers.transports.sendgrid import events
from providers.transports.sources import check_source

LARGEST_BATCH = 1000
DEFAULT_BATCH = 100
ADDRESSES = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}

EXAMPLE: dict[str, Any] = {
    "provider_vendor": "sendgrid",
    "sender": {"email": "noreply@ifood.com.br", "name": "iFood Growth Team"},
    "api_key_env_var": "SENDGRID_API_KEY",
    "tracking": {"enabled": True, "click_tracking": True, "open_tracking": True},
}

TRACKING: dict[str, Any] = {
    "type": "object",
    "title": _("Tracking"),
    "description": _("Without this block the SendGrid account's own settings hold."),
    "additionalProperties": False,
    "properties": {
        "enabled": {
            "type": "boolean",
            "default": True,
            "title": _("Track what people do"),
            "description": _("Off: neither openings nor clicks are tracked, whatever stands below."),
        },
        "click_tracking": {"type": "boolean", "default": True, "title": _("Track clicks")},
        "open_tracking": {"type": "boolean", "default": True, "title": _("Track openings")},
    },
}
EVENT_WEBHOOK: dict[str, Any] = {
    "type": "object",
    "title": _("Event webhook"),
    "description": _("Without the key SendGrid's calls are refused, and nobody learns what became of a message."),
    "additionalProperties": False,
    "properties": {
        "public_key": {
            "type": "string",
            "minLength": 80,
            "maxLength": 400,
            "title": _("Public key"),
            "description": _("The verification key that SendGrid shows under Mail Settings, Signed Event Webhook."),
        },
        "key_env_var": {
            "x-rare": True,
            "type": "string",
            "title": _("Public key, kept elsewhere"),
            "description": _("In place of the field above."),
        },
        "key_secret": {"type": "string", "title": _("Public key (stored secret)")},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": _("SendGrid"),
    "x-icon": "mail",
    "description": _("E-mail by SendGrid's v3 API, with deliveries, openings and clicks reported back."),
    "additionalProperties": False,
    "required": ["sender"],
    "properties": {
        "provider_vendor": {"const": "sendgrid", "title": _("Vendor")},
        "sender": SENDER,
        "api_key_env_var": {
            "type": "string",
            "title": _("SendGrid's API key"),
            "description": _("Begins with “SG.” and needs the permission Mail Send."),
        },
        "api_key_secret": {"type": "string", "title": _("SendGrid's API key (stored secret)")},
        "region": {
            "enum": sorted(ADDRESSES, reverse=True),
            "x-titles": {"global": _("Global"), "eu": _("European Union")},
            "title": _("Region"),
            "description": _("Where SendGrid keeps the data. A subuser of the EU region has keys of its own."),
        },
        "reply_to": REPLY_TO,
        "html": emails.HTML,
        "dynamic_templates": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": "^d-[0-9a-f]{32}$"},
            "maxProperties": 500,
            "examples": ["welcome: d-0123456789abcdef0123456789abcdef"],
            "title": _("Templates kept at SendGrid"),
            "description": _(
                "Our template's code, and the id of the dynamic template that goes out in its place. It gets the"
                " variables, and the subject as “subject”."
            ),
        },
        "tracking": TRACKING,
        "list_unsubscribe": LIST_UNSUBSCRIBE,
        "asm": {
            "type": "object",
            "title": _("Unsubscribe group"),
            "additionalProperties": False,
            "required": ["group_id"],
            "properties": {
                "group_id": {
                    "type": "integer",
                    "minimum": 1,
                    "title": _("Number of the group"),
                    "description": _("Who left this group at SendGrid gets nothing from this provider."),
                }
            },
        },
        "categories": {
            "type": "array",
            "maxItems": 10,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 255},
            "title": _("Categories"),
            "description": _("For SendGrid's statistics. No personal data: SendGrid keeps them for good."),
        },
        "event_webhook": EVENT_WEBHOOK,
        "batch": {
            "type": "object",
            "title": _("Batches"),
            "description": _("Messages with the same content share a request."),
            "additionalProperties": False,
            "required": ["max_messages"],
            "properties": {
                "max_messages": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LARGEST_BATCH,
                    "default": DEFAULT_BATCH,
                    "title": _("Messages per request"),
                    "description": _("1: each message alone."),
                }
            },
        },
        "sandbox_mode": {
            "x-rare": True,
            "type": "boolean",
            "default": False,
            "title": _("Only let SendGrid check"),
            "description": _("SendGrid checks every message and delivers none."),
        },
        "api_url": {
            "x-rare": True,
            "type": "string",
            "pattern": '^https?://[^\\s/?#@\\\\]+(/[!"$->@-~]*)?$',
            "maxLength": 500,
            "title": _("Address"),
            "description": _("In place of the region's own."),
        },
        **{key: value for key, value in KNOBS.items() if key != "idempotent"},
    },
}


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = [*check_source(configuration, "api_key"), *check_list_unsubscribe(configuration)]
    if "region" in configuration and "api_url" in configuration:
        found.append(("api_url", gettext("give region or api_url, not both")))
    return [*found, *check_webhook(configuration.get("event_webhook"))]


def check_webhook(webhook: dict[str, Any] | None) -> list[tuple[str, str]]:
    if webhook is None:
        return []
    found = check_source(webhook, "key", ("event_webhook",), required="public_key" not in webhook)
    kept_elsewhere = [key for key in ("key_env_var", "key_secret") if key in webhook]
    if "public_key" in webhook:
        found += [(f"event_webhook.{key}", gettext("is not used beside public_key")) for key in kept_elsewhere]
        if events.read_key(webhook["public_key"]) is None:
            found.append(("event_webhook.public_key", gettext("is no public key of SendGrid's (ECDSA, P-256)")))
    return found
