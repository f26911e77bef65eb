"""What the conformance kit needs to know of Telegram."""

from __future__ import annotations

PROVIDER_TYPE = "TELEGRAM"
ADDRESS = "123456789"
ECHOES = False
"""The Bot API has no place for it."""
