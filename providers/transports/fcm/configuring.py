"""What an FCM provider's configuration may say. The example's keys are those of seed 000's diagram."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports.knobs import SILENT_KNOBS
from providers.wire import guard
from providers.wire.names import is_literal

GOOGLE = "https://fcm.googleapis.com"
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
ACCOUNTS = ("service_account", "api_key")
"""Two names of one credential: ours, and the seed's."""
PROJECT = "[a-z0-9][a-z0-9.:-]{2,62}"
_ADDRESS = re.compile(rf"(https?://\S+?)(?:/v1)?(?:/projects/({PROJECT})/messages:send)?/?")
_NAME = {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$"}

EXAMPLE: dict[str, Any] = {
    "app_id": "ifood-growth-prod",
    "api_key_env_var": "FCM_SERVICE_ACCOUNT",
    "fcm_url": "https://fcm.googleapis.com/v1/projects/ifood-growth-prod/messages:send",
    "priority": "high",
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": _("Firebase Cloud Messaging"),
    "x-icon": "notifications_active",
    "description": _("Push messages to Android, iOS and web apps, by Google's FCM HTTP v1."),
    "additionalProperties": False,
    "properties": {
        "provider_vendor": {"const": "fcm", "title": _("Vendor")},
        "app_id": {
            "type": "string",
            "pattern": f"^{PROJECT}$",
            "examples": ["my-app-prod"],
            "title": _("Firebase project"),
            "description": _("The project's id. Default: the one that the service account belongs to."),
        },
        "service_account_env_var": {
            "type": "string",
            "title": _("Service account"),
            "description": _(
                "The whole JSON file that Firebase gives out under Project settings, Service accounts. It needs the"
                " role Firebase Cloud Messaging API Admin."
            ),
        },
        "service_account_secret": {"type": "string", "title": _("Service account (stored secret)")},
        "priority": {
            "enum": ["normal", "high"],
            "x-titles": {
                "normal": _("Normal: may wait until the device wakes"),
                "high": _("High: wakes the device"),
            },
            "title": _("Priority"),
        },
        "ttl_s": {
            "type": "integer",
            "minimum": 0,
            "maximum": 2_419_200,
            "title": _("Kept for (seconds)"),
            "description": _("How long Google keeps the message for an Android device that is off."),
        },
        "channel_id": {
            **_NAME,
            "maxLength": 200,
            "title": _("Android channel"),
            "description": _("A notification channel that the app has created on the device."),
        },
        "sound": {
            **_NAME,
            "maxLength": 100,
            "examples": ["default"],
            "title": _("Sound"),
            "description": _("“default”, or a sound of the app."),
        },
        "collapse_key": {
            **_NAME,
            "maxLength": 64,
            "title": _("Replaces earlier ones"),
            "description": _("Of messages with the same word, a device that was off shows the newest only."),
        },
        "analytics_label": {
            "type": "string",
            "pattern": "^[A-Za-z0-9_.~%-]{1,50}$",
            "title": _("Label for Firebase's reports"),
        },
        "send_variables": {
            "type": "boolean",
            "default": False,
            "title": _("Send the variables to the app"),
            "description": _("The template's variables go along as data that the app can read."),
        },
        "fcm_url": {
            "x-rare": True,
            "type": "string",
            "pattern": '^https?://[^\\s/?#@\\\\]+(/[!"$->@-~]*)?$',
            "maxLength": 500,
            "default": GOOGLE,
            "title": _("Address"),
            "description": _("FCM's HTTP v1, to the end or without its path. The older /fcm/send no longer exists."),
        },
        "oauth_url": {
            "x-rare": True,
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!-~]*)?$",
            "maxLength": 500,
            "default": GOOGLE_TOKENS,
            "title": _("Address of the tokens"),
            "description": _("Google's own, or a test server inside this deployment."),
        },
        "api_key_env_var": {
            "x-rare": True,
            "type": "string",
            "title": _("Service account, by its older name"),
            "description": _("The same JSON file as above; one of the two."),
        },
        "api_key_secret": {"type": "string", "title": _("Service account, by its older name (stored secret)")},
        **SILENT_KNOBS,
    },
}


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found: list[tuple[str, str]] = []
    given = [name + end for name in ACCOUNTS for end in ("_env_var", "_secret") if name + end in configuration]
    if not given:
        found.append(("service_account_env_var", gettext("is required, or service_account_secret in its place")))
    found += [(key, gettext("give one service account, not several")) for key in given[1:]]
    base, project = address_of(configuration)
    if urlsplit(base).hostname == urlsplit(GOOGLE).hostname and urlsplit(base).path:
        found.append(("fcm_url", gettext("must lead to /v1/projects/…/messages:send, or stand without its path")))
    if project and configuration.get("app_id", project) != project:
        found.append(("app_id", gettext("is not the project that fcm_url names")))
    if "oauth_url" in configuration and not _may_give_tokens(configuration["oauth_url"]):
        found.append(("oauth_url", gettext("must be Google's address, or one inside this deployment")))
    return found


def address_of(configuration: dict[str, Any]) -> tuple[str, str]:
    """Where FCM is, without its path; and the project that the address names, "" for none."""
    found = _ADDRESS.fullmatch(configuration.get("fcm_url", GOOGLE))
    return (found[1], found[2] or "") if found else (GOOGLE, "")


def _may_give_tokens(address: str) -> bool:
    """A private address and plain http pass where the deployment sends to private addresses, nowhere else."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return (
        host == urlsplit(GOOGLE_TOKENS).hostname
        or parts.scheme == "http"
        or (is_literal(host) and guard.refusal(host) is not None)
    )
