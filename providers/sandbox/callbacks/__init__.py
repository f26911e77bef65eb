"""How each vendor tells us what became of a message: the calls it makes, correctly signed, as pure functions.

`make` of every module takes reports and gives one call. Used by the sandbox (`--callback`) and by tests.
"""

from __future__ import annotations

from collections.abc import Callable

from providers.sandbox.callbacks import blip, evolution, gateway, http, meta, sendgrid, telegram, twilio
from providers.sandbox.callbacks.call import Callback, Report

Make = Callable[..., Callback]
"""(reports, *, secret, url, now) → the call."""

CALLBACKS: dict[str, Make] = {
    "blip": blip.make,
    "evolution": evolution.make,
    "gateway": gateway.make,
    "http": http.make,
    "meta": meta.make,
    "sendgrid": sendgrid.make,
    "telegram": telegram.make,
    "twilio": twilio.make,
}

__all__ = ["CALLBACKS", "Callback", "Make", "Report"]
