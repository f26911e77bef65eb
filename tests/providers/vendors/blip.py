"""What the conformance kit needs to know of Blip."""

from __future__ import annotations

from typing import Any

from providers.outcomes import Kind
from providers.sandbox.callbacks import Callback, Report
from providers.sandbox.callbacks import blip as callbacks
from providers.settings import ProviderSettings
from providers.transports import blip
from providers.transports.blip.configuring import HEADER

HEALTH_POSTS = True
"""It is asked for by a command, /ping, which reaches nobody."""
_TAKEN_FIRST = Kind.ACCEPTED
"""Blip takes an envelope with 202 and no body; what is wrong with it is told by a notification."""
SIGNS_BODY = False
MESSAGE = {"template_code": "tpl_offer"}
"""A template is what Blip is asked for an identity first."""
EXPECTED = {
    "cut": _TAKEN_FIRST,
    "opted-out": _TAKEN_FIRST,
    "failed-in-200": _TAKEN_FIRST,
    "no-id": _TAKEN_FIRST,
    "empty": _TAKEN_FIRST,
    "500": Kind.DEFERRED,
    "echo": Kind.DEFERRED,
    "html": Kind.DEFERRED,
}


def simulated(url: str) -> dict[str, Any]:
    authentication = {"type": "bearer_token", "token_env_var": "PRISM_BLIP"}
    own = {"api_url": f"{url}/blip/messages", "authentication": authentication, "template": {"language": "pt_BR"}}
    own["webhook"] = {"token_env_var": "PRISM_BLIP_WEBHOOK"}
    return {**blip.transport.example, **own}


def heard(settings: ProviderSettings, report: Report, now: float) -> Callback:
    secret = settings.credentials["webhook.token"]
    return callbacks.make([report], secret=secret, url=settings.webhook_url, now=now, header=HEADER)
