"""What the conformance kit needs to know of SMTP: reports come from SendGrid's relay, requests do not go over HTTP."""

from __future__ import annotations

from typing import Any

from providers.sandbox.callbacks import sendgrid as callbacks
from providers.sandbox.dialects import DIALECTS
from providers.transports import smtp
from tests.providers.vendors import sendgrid

PROVIDER_TYPE = "EMAIL"
ADDRESS = "ana@example.com"
HEALTH_POSTS = True
"""It is asked for by a NOOP, which is neither GET nor HEAD."""
DIALECT = DIALECTS["sendgrid"]
TELLS, KNOWS_TIME, SIGNS_WITH_OURS = sendgrid.TELLS, sendgrid.KNOWS_TIME, sendgrid.SIGNS_WITH_OURS
heard = sendgrid.heard


def simulated(_url: str) -> dict[str, Any]:
    return {**smtp.transport.example, "event_webhook": {"public_key": callbacks.PUBLIC_KEY}}
