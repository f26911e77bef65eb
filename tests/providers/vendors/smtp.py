"""What the conformance kit needs to know of SMTP: STARTTLS and a login; reports come from SendGrid's relay alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from providers.outcomes import Kind
from providers.sandbox import mail
from providers.sandbox.callbacks import sendgrid as callbacks
from providers.sandbox.vendor import Taken
from providers.transports import smtp
from providers.transports.smtp.answers import GREYLISTED_S
from tests.providers import makers
from tests.providers.vendors import sendgrid

PROVIDER_TYPE = "EMAIL"
ADDRESS = "ana@example.com"
RECIPIENT = "ana+sandbox-{}@example.com"
TOLD = f"prism:{makers.CANARY}"
HEALTH_POSTS = True
"""It is asked for by a NOOP, which is neither GET nor HEAD."""
DIALECT = mail.dialect
LONGEST_WAIT_S = GREYLISTED_S
EXPECTED = {
    "opted-out": Kind.ACCEPTED,  # no reply says so
    "failed-in-200": Kind.ACCEPTED,
    "429": (Kind.DEFERRED, "GREYLISTED"),
    "429-bare": (Kind.DEFERRED, "MAILBOX_BUSY"),
    "500": (Kind.DEFERRED, "SERVER_ERROR"),
    "echo": (Kind.DEFERRED, "SERVER_ERROR"),
    "502": (Kind.UNKNOWN, "RESET"),  # lost after the dot
    "504": (Kind.UNKNOWN, "RESET"),
    "redirect": (Kind.RECIPIENT_INVALID, "MAILBOX_MOVED"),
    "no-id": Kind.ACCEPTED,  # the id is ours
    "hang-before": (Kind.NOT_SENT, "TIMEOUT"),  # before the dot
}
TELLS, KNOWS_TIME, SIGNS_WITH_OURS = sendgrid.TELLS, sendgrid.KNOWS_TIME, sendgrid.SIGNS_WITH_OURS
heard = sendgrid.heard


def simulated(url: str) -> dict[str, Any]:
    at = urlsplit(url)
    return {
        "provider_vendor": "smtp",
        "sender": {"email": "no-reply@brand.com"},
        "smtp": {
            "host": at.hostname,
            "port": at.port,
            "security": "starttls",
            "username": "prism",
            "password_env_var": "PRISM_SMTP",
        },
    }


def hearing() -> dict[str, Any]:
    return {**smtp.transport.example, "event_webhook": {"public_key": callbacks.PUBLIC_KEY}}


def message_id(taken: Taken) -> str:
    return f"<{taken.item.key}@brand.com>"
