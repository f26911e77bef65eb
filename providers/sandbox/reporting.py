"""What the sandbox tells of a message that it took: which calls, in which order, when. Pure; `calling.py` calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from providers.sandbox.callbacks import CALLBACKS, Callback, Report
from providers.sandbox.callbacks.call import DELIVERED, FAILED, OPTED_OUT, READ, SENT
from providers.sandbox.vendor import Taken

USUAL = (SENT, DELIVERED, READ)
STORIES = {"report-failed": (SENT, FAILED), "report-opted-out": (SENT, OPTED_OUT), "report-none": ()}
SPACING_S = 0.05
LATE_S = 5.0
STRANGER = "sandbox-nobody-sent-this"
# Of an SMS nobody learns that it was read.
SMS_WORDS = (SENT, DELIVERED)
# Telegram has no receipts: only that somebody left.
TELLS_ONLY = {"telegram": {OPTED_OUT}}


class Address(msgspec.Struct, frozen=True):
    """Where a vendor calls to, and the secret with which it signs."""

    url: str
    secret: str = ""


class Due(NamedTuple):
    """A call, so many seconds after the message was taken."""

    after_s: float
    callback: Callback


def calls_about(taken: Taken, addresses: Mapping[str, Address], now: float) -> list[Due]:
    """The calls that a taken message leads to: none where nobody said where to."""
    address = addresses.get(taken.dialect)
    if address is None or taken.dialect not in CALLBACKS:
        return []
    url = _asked_for(taken) or address.url
    words = STORIES.get(taken.behaviour, SMS_WORDS if _is_sms(taken) else USUAL)
    told = [
        CALLBACKS[taken.dialect]([_report(taken, word, now)], secret=address.secret, url=url, now=now)
        for word in words
        if word in TELLS_ONLY.get(taken.dialect, words)
    ]
    return _in_time(taken.behaviour, told)


def _in_time(behaviour: str, told: list[Callback]) -> list[Due]:
    first = LATE_S if behaviour == "report-late" else 0.0 if behaviour == "report-early" else SPACING_S
    if behaviour == "report-forged":
        told = [call.forged() for call in told]
    if behaviour == "report-backwards":
        told.reverse()
    if behaviour == "report-twice":
        told = [call for call in told for _ in range(2)]
    return [Due(first + index * SPACING_S, call) for index, call in enumerate(told)]


def _report(taken: Taken, word: str, now: float) -> Report:
    stranger = taken.behaviour == "report-stranger"
    return Report(
        message_id=STRANGER if stranger else taken.message_id,
        status=word,
        at=now,
        to=taken.item.to,
        dispatch_id="" if stranger else taken.item.key,
        account=_account(taken),
    )


def _account(taken: Taken) -> str:
    return taken.form if isinstance(taken.form, str) else _form(taken).get("AccountSid", "")


def _is_sms(taken: Taken) -> bool:
    return taken.dialect == "twilio" and not _form(taken).get("To", "").startswith("whatsapp:")


def _form(taken: Taken) -> dict[str, str]:
    return taken.form if isinstance(taken.form, dict) else {}


def _asked_for(taken: Taken) -> str:
    """Twilio is told with each message where to report to."""
    return _form(taken).get("StatusCallback", "")
