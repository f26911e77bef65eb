"""Telegram's calls to us: whether they are Telegram's, and who blocked the bot or came back (contracts §8).

Messages and pressed buttons are no reports; the stored call keeps them for whom they concern.
"""

from __future__ import annotations

import datetime as dt
import hmac
from typing import TYPE_CHECKING, Any

import msgspec

from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.transports import answers

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

HEADER = "x-telegram-bot-api-secret-token"
# `my_chat_member.new_chat_member.status` of the bot itself in a private chat [GK]; in a group, that it is out.
PRIVATE: dict[str, Sign] = {"kicked": Sign.OPTED_OUT, "member": Sign.OPTED_IN}
GROUP: dict[str, Sign] = {"kicked": Sign.ADDRESS_DEAD, "left": Sign.ADDRESS_DEAD}


def verify(settings: ProviderSettings, call: Call) -> bool:
    """A secret of ours that Telegram shows with every call. It does not cover the body: TLS does."""
    given = call.headers.get(HEADER, "")
    if not settings.webhook_token or not given:
        return False
    return hmac.compare_digest(given.encode("utf-8", "replace"), settings.webhook_token.encode())


def read(call: Call) -> list[VendorReport]:
    try:
        update = msgspec.json.decode(call.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no JSON") from error
    status = answers.field(update, "my_chat_member.new_chat_member.status")
    chat = answers.field(update, "my_chat_member.chat.id")
    is_private = answers.field(update, "my_chat_member.chat.type") == "private"
    sign = (PRIVATE if is_private else GROUP).get(status) if isinstance(status, str) else None
    if sign is None or answers.message_id(chat) is None:
        return []
    return [
        VendorReport(
            kind=f"my_chat_member.{status}",
            meaning=Meaning.ENGAGED,  # of no message
            event_id=answers.message_id(answers.field(update, "update_id")) or "",
            occurred_at=_moment(answers.field(update, "my_chat_member.date")),
            payload=call.body,
            sign=sign,
            address=str(chat),
        )
    ]


def _moment(seconds: Any) -> dt.datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
