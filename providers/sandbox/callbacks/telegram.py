"""Telegram's updates (provider-contracts §8): a secret in a header; no receipts, but who blocked the bot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.callbacks.call import OPTED_OUT, Callback, Report

SIGNATURE = "X-Telegram-Bot-Api-Secret-Token"


def make(reports: Sequence[Report], *, secret: str, url: str, now: float) -> Callback:
    """One report per call: a person who left, or (any other status) one who wrote."""
    (report,) = reports
    person = {"id": int(report.to), "is_bot": False, "first_name": "Ana"}
    chat = {"id": int(report.to), "type": "private", "first_name": "Ana"}
    update: dict[str, Any] = {"update_id": int(report.at * 1000) % 2**31}
    if report.status == OPTED_OUT:
        bot = {"id": 100200300, "is_bot": True, "first_name": "Sandbox"}
        before, after = ({"user": bot, "status": status} for status in ("member", "kicked"))
        member = {"chat": chat, "from": person, "date": int(report.at)}
        update["my_chat_member"] = {**member, "old_chat_member": before, "new_chat_member": {**after, "until_date": 0}}
    else:
        text = report.text or "olá"
        update["message"] = {"message_id": 7, "from": person, "chat": chat, "date": int(report.at), "text": text}
    return Callback(url, {"Content-Type": "application/json", SIGNATURE: secret}, msgspec.json.encode(update))
