"""What a gateway's configuration may say. Every key changes the request or how the answer is read."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports.gateway.signing import HEADER as SIGNATURE
from providers.transports.knobs import KNOBS, check_knobs
from providers.transports.sources import check_source

LARGEST_BATCH = 100
EMAIL = "EMAIL"
# Set by the wire or by the contract; a configuration that sets them again would break one of them.
RESERVED_HEADERS = {
    *("accept", "connection", "content-length", "content-type", "cookie", "expect", "host", "idempotency-key"),
    *("te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-correlation-id", "x-trace-id", "traceparent"),
    SIGNATURE.lower(),
}
_PATH = {"type": "string", "pattern": "^(/[!-~]*)?$", "maxLength": 500}
_FIELD = {"type": "string", "pattern": "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$", "maxLength": 200}
_CODES = {"type": "array", "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 100}}

EXAMPLE: dict[str, Any] = {
    "provider_vendor": "gateway",
    "api_url": "https://gateway.example.com",
    "authentication": {"type": "bearer_token", "token_env_var": "PRISM_PROVIDER_GATEWAY_TOKEN"},
    "idempotent": False,
    "concurrency": 64,
    "retry": {"max_attempts": 3, "base_delay_ms": 1000, "max_delay_ms": 30000},
}

AUTHENTICATION: dict[str, Any] = {
    "type": "object",
    "title": _("Authentication"),
    "additionalProperties": False,
    "required": ["type"],
    "properties": {
        "type": {
            "enum": ["bearer_token", "header", "none"],
            "x-titles": {
                "bearer_token": _("Bearer token (Authorization: Bearer …)"),
                "header": _("Token in a header of your choice"),
                "none": _("No authentication"),
            },
            "title": _("How Prism signs in"),
        },
        "header_name": {
            "type": "string",
            "pattern": "^[A-Za-z0-9-]{1,60}$",
            "title": _("Header"),
            "description": _("The name of the header that carries the token, such as X-Api-Key."),
            "x-when": {"type": ["header"]},
        },
        "token_env_var": {
            "x-when": {"type": ["bearer_token", "header"]},
            "type": "string",
            "title": _("Token"),
            "description": _("Must be on the operator's list (PROVIDER_ENV_ALLOW_LIST)."),
        },
        "token_secret": {
            "type": "string",
            "title": _("Token (stored secret)"),
            "description": _("The name of one of this provider's secrets, which are kept encrypted."),
        },
    },
}

RESPONSE_FIELDS: dict[str, Any] = {
    "type": "object",
    "title": _("Fields of the answer"),
    "description": _("Where an unusual gateway puts them, as dotted paths such as data.id."),
    "additionalProperties": False,
    "properties": {
        "message_id": {**_FIELD, "title": _("Message id")},
        "status": {**_FIELD, "title": _("Status")},
        "error": {**_FIELD, "title": _("Error")},
    },
}

ERROR_CODES: dict[str, Any] = {
    "type": "object",
    "title": _("Error codes"),
    "description": _("What this gateway's error codes or texts mean; compared without regard to case."),
    "additionalProperties": False,
    "properties": {
        "deferred": {**_CODES, "title": _("Try again later")},
        "recipient_invalid": {**_CODES, "title": _("The address is wrong")},
        "opted_out": {**_CODES, "title": _("The person does not want messages")},
        "configuration": {**_CODES, "title": _("Our account or set-up is wrong")},
    },
}

BATCH: dict[str, Any] = {
    "type": "object",
    "title": _("Batches"),
    "description": _("Declares that the gateway takes several messages in one request."),
    "additionalProperties": False,
    "required": ["max_messages"],
    "properties": {
        "max_messages": {
            "type": "integer",
            "minimum": 2,
            "maximum": LARGEST_BATCH,
            "title": _("Messages per request"),
        },
        "path": {**_PATH, "title": _("Path"), "description": _("Default: the path of a single send with -batch.")},
    },
}

WEBHOOK: dict[str, Any] = {
    "type": "object",
    "title": _("Reports"),
    "description": _("The gateway tells what became of messages by calls to this provider's webhook address."),
    "additionalProperties": False,
    "properties": {
        "signing_key_env_var": {
            "type": "string",
            "title": _("Key of its signatures"),
            "description": _("The gateway signs its calls with it (X-Prism-Signature). Calls without are refused."),
        },
        "signing_key_secret": {"type": "string", "title": _("Key of its signatures (stored secret)")},
    },
}

SIGNING: dict[str, Any] = {
    "type": "object",
    "title": _("Signed requests"),
    "description": _("Requests to the gateway carry a signature of ours (X-Prism-Signature)."),
    "additionalProperties": False,
    "properties": {
        "key_env_var": {
            "type": "string",
            "title": _("Key of our signatures"),
            "description": _("The gateway checks with it that a request is ours and was made just now."),
        },
        "key_secret": {"type": "string", "title": _("Key of our signatures (stored secret)")},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": _("HTTP gateway"),
    "x-icon": "webhook",
    "description": _("Any sender that speaks the plain send contract: to, message, templateId, variables."),
    "additionalProperties": False,
    "required": ["provider_vendor", "api_url", "authentication"],
    "properties": {
        "provider_vendor": {"const": "gateway", "title": _("Vendor")},
        "api_url": {
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!-~]*)?$",
            "maxLength": 500,
            "title": _("Address"),
            "description": _("Where the gateway is, such as https://gateway.example.com."),
        },
        "path": {
            **_PATH,
            "title": _("Path"),
            "description": _("Where messages are posted, below the address. Default: /mcp/{type}/send."),
            "x-empty": _("Post to the address as it stands (in JSON: an empty path)"),
        },
        "health_url": {
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\]+(/[!-~]*)?$",
            "maxLength": 500,
            "title": _("Health address"),
            "description": _(
                "Asked by “test connection”, with the credential: a 2xx means that all is well. Without it, only"
                " whether the server answers can be told."
            ),
        },
        "authentication": AUTHENTICATION,
        "html": {
            "type": "boolean",
            "default": False,
            "title": _("Body is HTML"),
            "description": _("E-mail only: the body is sent as html too."),
            "x-when": {"$provider_type": [EMAIL]},
        },
        "response_fields": RESPONSE_FIELDS,
        "error_codes": ERROR_CODES,
        "batch": BATCH,
        "webhook": WEBHOOK,
        "signing": SIGNING,
        **KNOBS,
    },
}


def check(provider_type: str, configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = [*_check_authentication(configuration["authentication"]), *check_knobs(configuration)]
    for part, name in (("webhook", "signing_key"), ("signing", "key")):
        if part in configuration:
            found += check_source(configuration[part], name, (part,))
    if "html" in configuration and provider_type.upper() != EMAIL:
        found.append(("html", gettext("is for providers of the type EMAIL only")))
    address, path = configuration["api_url"], configuration.get("path")
    if re.search(r"[?#]", address) and path != "":
        found.append(("api_url", gettext("may hold ? or # only where path is empty")))
    batch = configuration.get("batch")
    if batch and "path" not in batch and path is not None and not path.endswith("/send"):
        found.append(("batch.path", gettext("is needed where the path does not end in /send")))
    return found


def _check_authentication(authentication: dict[str, Any]) -> list[tuple[str, str]]:
    kind = authentication["type"]
    found: list[tuple[str, str]] = []
    tokens = [key for key in ("token_env_var", "token_secret") if key in authentication]
    if kind == "none":
        found += [(f"authentication.{key}", gettext("is not used with the type none")) for key in tokens]
    elif not tokens:
        found.append(("authentication", gettext("needs token_env_var or token_secret")))
    elif len(tokens) > 1:
        found.append(("authentication.token_secret", gettext("give token_env_var or token_secret, not both")))
    name = authentication.get("header_name")
    if kind == "header" and name is None:
        found.append(("authentication.header_name", gettext("is needed with the type header")))
    elif kind != "header" and name is not None:
        found.append(("authentication.header_name", gettext("is used with the type header only")))
    elif name is not None and name.lower() in RESERVED_HEADERS:
        found.append(("authentication.header_name", gettext("this header is set by Prism")))
    return found
