"""What the conformance kit needs to know of Telegram."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import telegram as callbacks
from providers.sandbox.callbacks.call import OPTED_OUT
from providers.sandbox.vendor import Taken
from providers.settings import ProviderSettings
from providers.transports import telegram

PROVIDER_TYPE = "TELEGRAM"
ADDRESS = "123456789"
ECHOES = False
"""The Bot API has no place for it."""
SIGNS_BODY = False
TELLS = (OPTED_OUT,)
EXPECTED = {
    "failed-in-200": (Kind.RECIPIENT_INVALID, "USER_DEACTIVATED"),
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}


def message_id(taken: Taken) -> str:
    """Telegram counts messages per chat."""
    return f"{taken.item.to}:{taken.message_id}"


def simulated(url: str) -> dict[str, Any]:
    return {**telegram.transport.example, "bot_token_env_var": "PRISM_TELEGRAM", "api_url": f"{url}/telegram"}


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    return callbacks.make([report], secret=settings.webhook_token, url=settings.webhook_url, now=now)
