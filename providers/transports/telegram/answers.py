"""From the Bot API's answer to a typed outcome.

Sources: provider-contracts §8; descriptions as tdlib/telegram-bot-api writes them. Those marked [GK] are general
knowledge and were not checked. Telegram tells most by its description only, so that is what the table goes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome
from providers.transports import answers

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

_GONE = Kind.RECIPIENT_INVALID
# What the description holds, in lower case: outcome and reason. The first that fits counts.
DESCRIPTIONS: tuple[tuple[str, Kind, str], ...] = (
    ("bot was blocked by the user", Kind.OPTED_OUT, "OPTED_OUT"),
    ("user is deactivated", _GONE, "USER_DEACTIVATED"),
    ("bot can't initiate conversation", _GONE, "CONVERSATION_NOT_STARTED"),  # [GK]
    ("bot can't send messages to bots", _GONE, "RECIPIENT_IS_A_BOT"),  # [GK]
    ("bot was kicked", _GONE, "BOT_WAS_KICKED"),  # [GK]
    ("bot is not a member", _GONE, "BOT_WAS_KICKED"),  # [GK]
    ("chat not found", _GONE, "CHAT_NOT_FOUND"),
    ("peer_id_invalid", _GONE, "CHAT_NOT_FOUND"),  # [GK]
    ("upgraded to a supergroup", _GONE, "CHAT_MIGRATED"),  # [GK] the new id is in parameters.migrate_to_chat_id
    ("is too long", Kind.REJECTED, "CONTENT_TOO_LONG"),
    ("text is empty", Kind.REJECTED, "EMPTY_MESSAGE"),
    ("can't parse entities", Kind.REJECTED, "MARKUP_REJECTED"),
    ("rights to send", Kind.REJECTED, "NO_RIGHTS"),  # [GK]
    ("button", Kind.REJECTED, "BUTTON_REJECTED"),  # [GK]
    ("http url", Kind.REJECTED, "MEDIA_INVALID"),  # [GK]
    ("web page content", Kind.REJECTED, "MEDIA_INVALID"),  # [GK]
    ("image_process_failed", Kind.REJECTED, "MEDIA_INVALID"),  # [GK]
    ("photo_invalid", Kind.REJECTED, "MEDIA_INVALID"),  # [GK]
    ("wrong file", Kind.REJECTED, "MEDIA_INVALID"),  # [GK]
)
# Where no description fits. A 403 is always about one chat, never about the bot; a 404 is a token that is no bot's.
STATUS: answers.Table = {
    401: (Kind.CONFIGURATION, "UNAUTHORIZED"),
    403: (Kind.REJECTED, "FORBIDDEN"),
    404: (Kind.CONFIGURATION, "BOT_NOT_FOUND"),
}
# A 5xx of the Bot API took nothing (contracts §8), but for those that the common table calls unknown.
SERVER_ERROR = Kind.DEFERRED
_DESCRIBED = {400, 403}


def parse(settings: ProviderSettings, messages: Sequence[Message], answer: WireAnswer) -> list[Outcome]:  # noqa: ARG001 - the protocol's signature
    value, kept = answers.read_json(settings, answer)
    if 200 <= answer.status < 300 and answers.field(value, "ok") is not False:
        return [answers.accepted(_message_id(value), answer.status, kept)]
    return [_failed(answer, value, kept)]


def _message_id(value: Any) -> str | None:
    """Of chat and message: Telegram counts messages per chat."""
    chat, message = answers.field(value, "result.chat.id"), answers.field(value, "result.message_id")
    if not _is_whole(message) or answers.message_id(chat) is None:
        return None
    return answers.message_id(f"{chat}:{message}")


def _failed(answer: WireAnswer, value: Any, kept: Any) -> Outcome:
    given = answers.field(value, "error_code")
    status = given if _is_whole(given) and 300 <= given < 600 else answer.status
    said = answers.field(value, "description")
    kind, reason = _meaning(status, said if isinstance(said, str) else "")
    wait = answers.field(value, "parameters.retry_after")
    return answers.failed(answer, kind, reason, error=said, wait=wait, kept=kept)


def _meaning(status: int, said: str) -> tuple[Kind, str]:
    if status in _DESCRIBED:
        told = said.casefold()
        for words, kind, reason in DESCRIPTIONS:
            if words in told:
                return kind, reason
    if status // 100 == 2:
        return Kind.UNKNOWN, answers.UNREADABLE_ANSWER
    return answers.by_status(status, STATUS, server_error=SERVER_ERROR)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
