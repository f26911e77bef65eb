"""The settings that every vendor over HTTP has, as parts of its JSON Schema and of its checks."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.defaults import (
    DEFAULT_BASE_DELAY_MS,
    DEFAULT_CONCURRENCY,
    DEFAULT_CONNECT_TIMEOUT_MS,
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_MAX_DELAY_MS,
    DEFAULT_TIMEOUT_MS,
)

KNOBS: dict[str, Any] = {
    "concurrency": {
        "x-rare": True,
        "type": "integer",
        "minimum": 1,
        "maximum": 512,
        "default": DEFAULT_CONCURRENCY,
        "title": _("Connections"),
        "description": _("How many requests may be under way at once, per worker process and class of traffic."),
    },
    "timeout_ms": {
        "x-rare": True,
        "type": "integer",
        "minimum": 100,
        "maximum": 60_000,
        "default": DEFAULT_TIMEOUT_MS,
        "title": _("Time-out (ms)"),
        "description": _("A send without a complete answer after this time is unknown: it may have arrived."),
    },
    "connect_timeout_ms": {
        "x-rare": True,
        "type": "integer",
        "minimum": 100,
        "maximum": 30_000,
        "default": DEFAULT_CONNECT_TIMEOUT_MS,
        "title": _("Time-out of the connection (ms)"),
        "description": _("A connection that takes longer is given up; nothing was sent, and the message waits."),
    },
    "idempotent": {
        "x-rare": True,
        "type": "boolean",
        "default": False,
        "title": _("Knows repeated messages"),
        "description": _(
            "The vendor takes a second request with the same Idempotency-Key for the same message. Only then is a send"
            " without an answer tried again."
        ),
    },
    "overdue_after_minutes": {
        "x-rare": True,
        "type": "integer",
        "minimum": 5,
        "maximum": 43_200,
        "title": _("Delivery overdue after (minutes)"),
        "description": _(
            "A message that the vendor took and said nothing about for so long is shown as overdue."
            " Empty: what is usual for this vendor."
        ),
    },
    "contact_spacing_ms": {
        "x-rare": True,
        "type": "integer",
        "minimum": 100,
        "maximum": 3_600_000,
        "title": _("Time between messages to one contact (ms)"),
        "description": _(
            "A second message to the same address waits for so long, whatever campaign it is of."
            " Empty: what is usual for this vendor."
        ),
    },
    "retry": {
        "type": "object",
        "additionalProperties": False,
        "title": _("Retries"),
        "description": _("How often a message is tried that the vendor did not take for now."),
        "properties": {
            "max_attempts": {
                "type": "integer",
                "minimum": 1,
                "maximum": 20,
                "default": DEFAULT_MAX_ATTEMPTS,
                "title": _("Attempts in all"),
            },
            "base_delay_ms": {
                "type": "integer",
                "minimum": 1,
                "maximum": 3_600_000,
                "default": DEFAULT_BASE_DELAY_MS,
                "title": _("First delay (ms)"),
                "description": _("Doubles with each attempt."),
            },
            "max_delay_ms": {
                "type": "integer",
                "minimum": 1,
                "maximum": 86_400_000,
                "default": DEFAULT_MAX_DELAY_MS,
                "title": _("Longest delay (ms)"),
            },
        },
    },
}

SILENT_KNOBS = {name: part for name, part in KNOBS.items() if name not in ("idempotent", "overdue_after_minutes")}
"""Of vendors that know no repeats and never tell what became of a message."""


def check_knobs(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """Knobs that contradict each other, defaults counted in."""
    found: list[tuple[str, str]] = []
    total = configuration.get("timeout_ms", DEFAULT_TIMEOUT_MS)
    if configuration.get("connect_timeout_ms", min(total, DEFAULT_CONNECT_TIMEOUT_MS)) > total:
        found.append(("connect_timeout_ms", gettext("must not be longer than timeout_ms")))
    retry = configuration.get("retry", {})
    base, longest = retry.get("base_delay_ms", DEFAULT_BASE_DELAY_MS), retry.get("max_delay_ms", DEFAULT_MAX_DELAY_MS)
    if base > longest:
        found.append(("retry.max_delay_ms", gettext("must not be shorter than retry.base_delay_ms")))
    return found
