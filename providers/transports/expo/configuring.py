"""What an Expo provider's configuration may say."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from providers.transports.knobs import KNOBS

EXAMPLE: dict[str, Any] = {
    "provider_vendor": "expo",
    "access_token_env_var": "PRISM_PROVIDER_EXPO_TOKEN",
    "priority": "high",
    "sound": "default",
    "ttl_s": 3600,
    "channel_id": "default",
}
LONGEST_TTL_S = 28 * 86_400
CONNECTIONS = 6
"""Expo advises no more (docs.expo.dev, "Limit concurrent connections")."""
_NAME = {"type": "string", "pattern": "^[^\\s\\x00-\\x1f\\x7f]([^\\x00-\\x1f\\x7f]*[^\\s\\x00-\\x1f\\x7f])?$"}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": _("Expo push"),
    "x-icon": "notifications",
    "description": _("Push messages to apps made with Expo, on Android and iOS."),
    "additionalProperties": False,
    "properties": {
        "provider_vendor": {"const": "expo", "title": _("Vendor")},
        "access_token_env_var": {
            "type": "string",
            "title": _("Access token"),
            "description": _("Only where the Expo project demands one (enhanced push security)."),
        },
        "access_token_secret": {"type": "string", "title": _("Access token (stored secret)")},
        "priority": {
            "enum": ["default", "normal", "high"],
            "x-titles": {
                "default": _("As the device decides"),
                "normal": _("Normal: may wait until the device wakes"),
                "high": _("High: wakes the device"),
            },
            "title": _("Priority"),
        },
        "sound": {
            **_NAME,
            "maxLength": 100,
            "examples": ["default"],
            "title": _("Sound"),
            "description": _("“default”, or a sound of the app. Without it the message makes no sound on iOS."),
        },
        "ttl_s": {
            "type": "integer",
            "minimum": 0,
            "maximum": LONGEST_TTL_S,
            "title": _("Kept for (seconds)"),
            "description": _("How long the message waits for a device that is off. Without it the device's own rule."),
        },
        "channel_id": {
            **_NAME,
            "maxLength": 200,
            "examples": ["default"],
            "title": _("Android channel"),
            "description": _("A notification channel that the app has created on the device."),
        },
        "send_variables": {
            "type": "boolean",
            "default": False,
            "title": _("Send the variables to the app"),
            "description": _("The template's variables go along as data that the app can read."),
        },
        "api_url": {
            "x-rare": True,
            "type": "string",
            "pattern": '^https?://[^\\s/?#@\\\\]+(/[!"$->@-~]*)?$',
            "maxLength": 500,
            "default": "https://exp.host",
            "title": _("Address"),
        },
        **{key: value for key, value in KNOBS.items() if key != "idempotent"},
        "concurrency": {**KNOBS["concurrency"], "default": CONNECTIONS},
    },
}
