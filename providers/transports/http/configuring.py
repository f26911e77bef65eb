"""What a declarative HTTP provider's configuration may say. `checking.py` tells what the schema cannot."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from providers.transports.knobs import KNOBS

PATH = {"type": "string", "pattern": "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$", "maxLength": 200}
HEADER_NAME = {"type": "string", "pattern": "^[A-Za-z0-9-]{1,60}$"}
WORDS = {"x-rows": 1, "type": "array", "maxItems": 100, "items": {"type": "string", "minLength": 1, "maxLength": 100}}
STATUSES_LIST = {
    "x-rows": 1,
    "type": "array",
    "maxItems": 50,
    "items": {"type": "string", "pattern": "^[1-5][0-9]{2}$"},
}
TEMPLATES = {
    "type": "object",
    "x-rows": 2,
    "maxProperties": 50,
    "additionalProperties": {"type": "string", "maxLength": 4000},
}
_TOKEN: dict[str, Any] = {"type": "string", "maxLength": 200}

# Of the usual form of a Brazilian SMS vendor: a token in a header, contents as a list, reports by code.
EXAMPLE: dict[str, Any] = {
    "provider_vendor": "http",
    "url": "https://api.sms-vendor.example/v2/channels/sms/messages",
    "authentication": {
        "type": "header",
        "header_name": "X-API-TOKEN",
        "token_env_var": "PRISM_PROVIDER_SMS_TOKEN",
    },
    "address_format": "digits",
    "body": {
        "from": "prism",
        "to": "{{to}}",
        "externalId": "{{dispatch_id}}",
        "contents": [{"type": "text", "text": "{{body}}"}],
    },
    "answer": {"message_id": "id", "error_code": "code", "error_text": "message"},
    "error_codes": {
        "recipient_invalid": ["INVALID_DESTINATION"],
        "opted_out": ["DESTINATION_BLOCKED"],
        "configuration": ["INSUFFICIENT_BALANCE"],
    },
    "reports": {
        "authentication": {
            "type": "header",
            "header_name": "X-Webhook-Token",
            "token_env_var": "PRISM_PROVIDER_SMS_WEBHOOK_TOKEN",
        },
        "message_id": "messageId",
        "status": "messageStatus.code",
        "timestamp": "messageStatus.timestamp",
        "error_text": "messageStatus.description",
        "event_id": "id",
        "meanings": {
            "sent": ["SENT"],
            "delivered": ["DELIVERED"],
            "read": ["READ"],
            "failed": ["NOT_DELIVERED", "REJECTED"],
        },
    },
}

AUTHENTICATION: dict[str, Any] = {
    "type": "object",
    "title": _("Authentication"),
    "additionalProperties": False,
    "required": ["type"],
    "properties": {
        "type": {
            "enum": ["bearer_token", "header", "basic", "field", "none"],
            "x-titles": {
                "bearer_token": _("Bearer token (Authorization: Bearer …)"),
                "header": _("Token in a header of your choice"),
                "basic": _("User and password (Basic)"),
                "field": _("Token in a field of the body"),
                "none": _("No authentication"),
            },
            "title": _("How Prism signs in"),
        },
        "header_name": {
            **HEADER_NAME,
            "title": _("Header"),
            "description": _("The name of the header that carries the token, such as X-Api-Key."),
            "x-when": {"type": ["header"]},
        },
        "scheme": {
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9-]{0,30}$",
            "title": _("Word before the token"),
            "description": _("Such as App, where the vendor wants “Authorization: App …”."),
            "x-when": {"type": ["header"]},
        },
        "username": {
            "type": "string",
            "pattern": "^[!-9;-~]{1,200}$",
            "title": _("User"),
            "x-when": {"type": ["basic"]},
        },
        "field_name": {
            "type": "string",
            "pattern": "^[A-Za-z0-9_-]{1,60}$",
            "title": _("Field"),
            "description": _("The name of the field of the body that carries the token."),
            "x-when": {"type": ["field"]},
        },
        "token_env_var": {
            **_TOKEN,
            "x-when": {"type": ["bearer_token", "header", "basic", "field"]},
            "title": _("Token or password"),
            "description": _("Never part of the address: what stands in addresses ends up in logs."),
        },
        "token_secret": {**_TOKEN, "title": _("Token or password (stored secret)")},
    },
}

ANSWER: dict[str, Any] = {
    "type": "object",
    "title": _("The answer"),
    "description": _("Where the vendor's answer holds what; fields as dotted paths such as data.0.id."),
    "additionalProperties": False,
    "properties": {
        "message_id": {**PATH, "title": _("Message id"), "description": _("Where the id of the message stands.")},
        "message_id_header": {
            **HEADER_NAME,
            "title": _("Header of the message id"),
            "description": _("Where the id stands in a header instead."),
        },
        "id_is_ours": {
            "type": "boolean",
            "default": False,
            "title": _("The vendor keeps our id"),
            "description": _("It names messages by the {{dispatch_id}} that we send along, also in its reports."),
        },
        "error_code": {**PATH, "title": _("Error code")},
        "error_text": {**PATH, "title": _("Error text")},
        "retry_after": {**PATH, "title": _("Wait (seconds)")},
    },
}


def _kinds(items: dict[str, Any]) -> dict[str, Any]:
    return {
        "accepted": {**items, "title": _("Taken")},
        "deferred": {**items, "title": _("Try again later")},
        "rejected": {**items, "title": _("The message is wrong")},
        "recipient_invalid": {**items, "title": _("The address is wrong")},
        "opted_out": {**items, "title": _("The person does not want messages")},
        "configuration": {**items, "title": _("Our account or set-up is wrong")},
        "unknown": {**items, "title": _("Nobody knows: never sent again")},
    }


STATUSES: dict[str, Any] = {
    "type": "object",
    "title": _("HTTP statuses"),
    "description": _("What a status means, where the usual meaning is not the vendor's (2xx: taken)."),
    "additionalProperties": False,
    "properties": _kinds(STATUSES_LIST),
}
ERROR_CODES: dict[str, Any] = {
    "type": "object",
    "title": _("Error codes"),
    "description": _("What the vendor's codes mean; compared without regard to case. An unlisted code is an error."),
    "additionalProperties": False,
    "properties": _kinds(WORDS),
}

REPORT_AUTHENTICATION: dict[str, Any] = {
    "type": "object",
    "title": _("How the vendor proves its reports"),
    "additionalProperties": False,
    "required": ["type", "header_name"],
    "properties": {
        "type": {
            "enum": ["header", "hmac"],
            "title": _("Proof"),
            "x-titles": {"header": _("A secret in a header"), "hmac": _("A signature over the body (HMAC)")},
        },
        "header_name": {**HEADER_NAME, "title": _("Header"), "description": _("It carries the secret or signature.")},
        "scheme": {
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z0-9-]{0,30}$",
            "title": _("Word before the secret"),
            "description": _("Such as Bearer."),
            "x-when": {"type": ["header"]},
        },
        "algorithm": {
            "enum": ["sha256", "sha1", "sha512"],
            "default": "sha256",
            "title": _("Algorithm"),
            "x-when": {"type": ["hmac"]},
        },
        "encoding": {
            "enum": ["hex", "base64"],
            "default": "hex",
            "title": _("Written as"),
            "x-when": {"type": ["hmac"]},
        },
        "prefix": {
            "type": "string",
            "pattern": "^[!-~]{1,30}$",
            "title": _("Before the signature"),
            "description": _("Such as sha256=."),
            "x-when": {"type": ["hmac"]},
        },
        "timestamp_header": {
            **HEADER_NAME,
            "title": _("Header of the time"),
            "description": _("Its value and a dot then stand before the signed body; older than 5 minutes is refused."),
            "x-when": {"type": ["hmac"]},
        },
        "token_env_var": {
            **_TOKEN,
            "title": _("Secret of the reports"),
            "description": _("The same one is entered at the vendor."),
        },
        "token_secret": {**_TOKEN, "title": _("Secret of the reports (stored secret)")},
    },
}

REPORTS: dict[str, Any] = {
    "type": "object",
    "title": _("Reports"),
    "description": _(
        "How the vendor's calls are read that tell what became of messages. Their address stands on this provider's"
        " page."
    ),
    "additionalProperties": False,
    "required": ["authentication", "status"],
    "properties": {
        "authentication": REPORT_AUTHENTICATION,
        "items": {
            **PATH,
            "title": _("List of reports"),
            "description": _("Where it stands in the body; empty: the body is a report, or a list of them."),
        },
        "message_id": {**PATH, "title": _("Message id"), "description": _("Inside of a report.")},
        "dispatch_id": {**PATH, "title": _("Our id"), "description": _("Where the vendor sends our id back.")},
        "status": {**PATH, "title": _("Status"), "description": _("Inside of a report.")},
        "timestamp": {**PATH, "title": _("Time")},
        "error_code": {**PATH, "title": _("Error code")},
        "error_text": {**PATH, "title": _("Error text")},
        "event_id": {**PATH, "title": _("Id of the report"), "description": _("Tells a repeated report.")},
        "meanings": {
            "type": "object",
            "title": _("What the statuses mean"),
            "description": _("The vendor's words; a word that stands nowhere is passed over."),
            "additionalProperties": False,
            "properties": {
                "accepted": {**WORDS, "title": _("On its way")},
                "sent": {**WORDS, "title": _("Sent")},
                "delivered": {**WORDS, "title": _("Delivered")},
                "read": {**WORDS, "title": _("Read")},
                "failed": {**WORDS, "title": _("Failed")},
                "engaged": {**WORDS, "title": _("Opened or clicked")},
            },
        },
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": _("Any HTTP vendor"),
    "x-icon": "http",
    "description": _("A vendor's own HTTP interface, described here instead of programmed."),
    "additionalProperties": False,
    "required": ["provider_vendor", "url", "authentication", "answer"],
    "properties": {
        "provider_vendor": {"const": "http", "title": _("Vendor")},
        "method": {
            "enum": ["POST", "PUT", "PATCH", "GET"],
            "default": "POST",
            "title": _("Method"),
        },
        "url": {
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\{}]+(/[!-~]*)?$",
            "maxLength": 500,
            "title": _("Address"),
            "description": _(
                "Where one message is sent to, such as https://api.example.com/sms. Behind the server's name it may"
                " hold placeholders such as {{to}}."
            ),
        },
        "address_attribute": {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,62}$",
            "title": _("Contact field of the address"),
            "description": _("Such as phone_number. Default: the one of the provider's type."),
        },
        "address_format": {
            "enum": ["as_is", "e164", "digits"],
            "default": "as_is",
            "title": _("Spelling of the address"),
            "x-titles": {
                "as_is": _("As the contact has it"),
                "e164": _("Phone number with + and country"),
                "digits": _("Phone number, digits only"),
            },
        },
        "headers": {
            **TEMPLATES,
            "title": _("Further headers"),
            "description": _("Such as X-Channel: sms or Idempotency-Key: {{dispatch_id}}. No credentials."),
        },
        "query": {
            **TEMPLATES,
            "title": _("Arguments of the address"),
            "description": _("Such as to: {{to}}; encoded by Prism. No credentials."),
        },
        "body": {
            "type": ["object", "array"],
            "x-json": True,
            "title": _("Body (JSON)"),
            "description": _(
                "With {{to}}, {{body}}, {{subject}}, {{template_code}}, {{variables}}, {{variables.name}},"
                " {{media_url}}, {{dispatch_id}}, {{correlation_id}}, {{channel}}, {{callback_url}} inside of quotes."
                " A text that is one placeholder without a value is left out."
            ),
        },
        "form": {
            **TEMPLATES,
            "title": _("Body (form)"),
            "description": _("Instead of JSON: fields such as to: {{to}}. An empty one is left out."),
        },
        "authentication": AUTHENTICATION,
        "answer": ANSWER,
        "statuses": STATUSES,
        "error_codes": ERROR_CODES,
        "reports": REPORTS,
        "health_url": {
            "type": "string",
            "pattern": "^https?://[^\\s/?#@\\\\{}]+(/[!-~]*)?$",
            "maxLength": 500,
            "title": _("Health address"),
            "description": _(
                "Asked by “test connection”, with the credential: a 2xx means that all is well. Without it, only"
                " whether the server answers can be told."
            ),
        },
        **KNOBS,
    },
}
