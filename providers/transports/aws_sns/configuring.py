"""What an SNS provider's configuration may say (seed 000 §4). Every key changes the request."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports.knobs import SILENT_KNOBS
from providers.transports.sources import check_source

PROMOTIONAL, TRANSACTIONAL = "Promotional", "Transactional"
LONGEST_TEXT = 1600
_LETTER = re.compile(r"[A-Za-z]")

# Seed 000, "SMS (AWS SNS)", as it stands there.
EXAMPLE: dict[str, Any] = {
    "provider_vendor": "aws_sns",
    "region": "us-east-1",
    "access_key_id_env_var": "AWS_ACCESS_KEY_ID",
    "secret_access_key_env_var": "AWS_SECRET_ACCESS_KEY",
    "sender_id": "iFood",
    "sms_type": "Transactional",
    "max_price": "0.50",
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "AWS SNS",
    "x-icon": "sms",
    "description": _("SMS through Amazon's Simple Notification Service. Deliveries are not reported back."),
    "additionalProperties": False,
    "required": ["provider_vendor", "region", "sender_id"],
    "properties": {
        "provider_vendor": {"const": "aws_sns", "title": _("Vendor")},
        "region": {
            "type": "string",
            "pattern": "^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$",
            "title": _("Region"),
            "description": _("Such as us-east-1 or sa-east-1."),
        },
        "access_key_id_env_var": {
            "type": "string",
            "title": _("Access key id"),
            "description": _("Of an IAM user that may sns:Publish, and sns:GetSMSAttributes for the connection test."),
        },
        "access_key_id_secret": {"type": "string", "title": _("Access key id (stored secret)")},
        "secret_access_key_env_var": {"type": "string", "title": _("Secret access key")},
        "secret_access_key_secret": {"type": "string", "title": _("Secret access key (stored secret)")},
        "sender_id": {
            "type": "string",
            "pattern": "^[A-Za-z0-9]{3,11}$",
            "title": _("Sender"),
            "description": _("3 to 11 letters and digits, one letter at least. Some countries show another sender."),
        },
        "sms_type": {
            "enum": [TRANSACTIONAL, PROMOTIONAL],
            "x-titles": {
                TRANSACTIONAL: _("Transactional (best route)"),
                PROMOTIONAL: _("Promotional (cheapest route)"),
            },
            "title": _("Kind of SMS"),
            "description": _("Without it: what the account has as its default."),
        },
        "max_price": {
            "type": "string",
            "pattern": "^[0-9]{1,4}(\\.[0-9]{1,5})?$",
            "title": _("Highest price (USD)"),
            "description": _("For one SMS, such as 0.50. SNS does not send what would cost more."),
        },
        "origination_number": {
            "type": "string",
            "pattern": "^\\+?[0-9]{5,15}$",
            "title": _("Number of origin"),
            "description": _("A number of the account that the SMS comes from, where the country allows it."),
        },
        "api_url": {
            "x-rare": True,
            "type": "string",
            "pattern": '^https?://[^\\s/?#@\\\\]+(/[!"$->@-~]*)?$',
            "maxLength": 500,
            "title": _("Address"),
            "description": _("In place of the region's own, such as a VPC endpoint."),
        },
        **SILENT_KNOBS,
    },
}


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what the schema cannot say."""
    found = [*check_source(configuration, "access_key_id"), *check_source(configuration, "secret_access_key")]
    if not _LETTER.search(configuration["sender_id"]):
        found.append(("sender_id", gettext("needs one letter at least")))
    return found
