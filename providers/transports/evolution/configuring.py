"""What an Evolution API configuration may say (seed 003). Every key changes the request or how reports are believed."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.defaults import DEFAULT_TIMEOUT_MS
from providers.transports.knobs import KNOBS, check_knobs
from providers.transports.sources import check_source
from providers.transports.whatsapp_templates import TEMPLATE, check_template

JWT, STATIC = "jwt", "header"
HEADER = "X-Prism-Secret"
LONGEST_DELAY_MS = 20_000
LONGEST_TIMEOUT_MS: int = KNOBS["timeout_ms"]["maximum"]
_CREDENTIAL = {"type": "string", "maxLength": 200}

EXAMPLE: dict[str, Any] = {
    "provider_vendor": "evolution",
    "api_url": "https://evolution.example.com",
    "instance": "growth",
    "authentication": {"api_key_env_var": "PRISM_PROVIDER_EVOLUTION_KEY"},
    "delay_ms": 1200,
}

AUTHENTICATION: dict[str, Any] = {
    "type": "object",
    "title": _("Authentication"),
    "additionalProperties": False,
    "properties": {
        "api_key_env_var": {
            **_CREDENTIAL,
            "title": _("API key of the server or the instance"),
            "description": _("The instance's own token, or the server's global key."),
        },
        "api_key_secret": {**_CREDENTIAL, "title": _("API key of the server or the instance (stored secret)")},
    },
}

WEBHOOK: dict[str, Any] = {
    "type": "object",
    "title": _("Reports"),
    "description": _(
        "How the instance proves that a report is its own. Prism tells it where to report and how when the provider is"
        " saved; without this section, by a secret header."
    ),
    "additionalProperties": False,
    "properties": {
        "type": {
            "enum": [STATIC, JWT],
            "default": STATIC,
            "title": _("Proof"),
            "x-titles": {
                STATIC: _("Secret header"),
                JWT: _("Signed token with each report (JWT; newer versions of Evolution)"),
            },
        },
        "header_name": {
            "x-when": {"type": ["", STATIC]},
            "type": "string",
            "pattern": "^[A-Za-z0-9-]{1,60}$",
            "maxLength": 60,
            "default": HEADER,
            "title": _("Header"),
            "description": _("The name of the header that carries the secret."),
        },
        "token_env_var": {
            **_CREDENTIAL,
            "title": _("Secret"),
            "description": _("Only if the webhook is set up by hand at Evolution; else Prism makes one."),
        },
        "token_secret": {**_CREDENTIAL, "title": _("Secret (stored secret)")},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Evolution API",
    "x-icon": "forum",
    "description": _(
        "WhatsApp through an Evolution API server of your own. Sessions that are not Meta's may be banned: send slowly,"
        " and to people who know you."
    ),
    "additionalProperties": False,
    "required": ["provider_vendor", "api_url", "instance", "authentication"],
    "properties": {
        "provider_vendor": {"const": "evolution", "title": _("Vendor")},
        "api_url": {
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!->@-~]*)?$",
            "maxLength": 500,
            "title": _("Address"),
            "description": _("Where the Evolution server is, such as https://evolution.example.com."),
        },
        "instance": {
            "type": "string",
            "pattern": "^[A-Za-z0-9 ._-]*[A-Za-z0-9 _-][A-Za-z0-9 ._-]*$",
            "maxLength": 100,
            "title": _("Instance"),
            "description": _("Its name at the Evolution server: one instance is one WhatsApp number."),
        },
        "delay_ms": {
            "type": "integer",
            "minimum": 1,
            "maximum": LONGEST_DELAY_MS,
            "title": _("Typing time (ms)"),
            "description": _(
                "The person sees “typing…” for so long before the message. Evolution waits inside of the request, so"
                " its time-out grows by the same time. Not for approved templates."
            ),
        },
        "link_preview": {
            "type": "boolean",
            "default": False,
            "title": _("Preview links"),
            "description": _("WhatsApp shows a preview of the first link of a plain text."),
        },
        "authentication": AUTHENTICATION,
        "template": {
            **TEMPLATE,
            "x-open": False,
            "description": _(
                "Only for instances that are connected to Meta's Cloud API: with a language here, a message goes out by"
                " the approved template that is called like its template code; without one, as plain text."
            ),
        },
        "webhook": WEBHOOK,
        **{name: part for name, part in KNOBS.items() if name != "idempotent"},
    },
}


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = check_source(configuration["authentication"], "api_key", ("authentication",))
    webhook = configuration.get("webhook", {})
    found += check_source(webhook, "token", ("webhook",), required=False)
    if "header_name" in webhook and webhook.get("type") == JWT:
        found.append(("webhook.header_name", gettext("is not used with the type jwt")))
    longest = LONGEST_TIMEOUT_MS - configuration.get("timeout_ms", DEFAULT_TIMEOUT_MS)
    if configuration.get("delay_ms", 0) > longest:
        text = gettext("with timeout_ms this is more than %(longest)s ms, after which a send counts as unanswered")
        found.append(("delay_ms", text % {"longest": LONGEST_TIMEOUT_MS}))
    return [*found, *check_template(configuration), *check_knobs(configuration)]
