"""Whose token it is, and where Telegram reports to (getMe, setWebhook)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from providers import verdicts
from providers.messages import WireAnswer, WireRequest
from providers.outcomes import bounded_text
from providers.transports import answers, health
from providers.transports.telegram.requests import HEADERS, method_url, request
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")


def ask_who(settings: ProviderSettings) -> WireRequest:
    return health.get(settings, method_url(settings, "getMe"), HEADERS[1:])


def read_who(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    verdict = _read(settings, answer)
    wanted = settings.configuration.get("bot_username", "").removeprefix("@")
    name = answers.field(answers.read_json(settings, answer)[0], "result.username")
    if verdict.ok and wanted and isinstance(name, str) and name.casefold() != wanted.casefold():
        detail = bounded_text(f"bot_username: the token is the bot's @{name}", health.LONGEST_DETAIL)
        return Verdict(ok=False, code=verdicts.CONFIGURATION, detail=detail)
    return verdict


def ask_to_report(settings: ProviderSettings) -> WireRequest | None:
    if not settings.webhook_url or not settings.webhook_token:
        return None
    fields = {
        "url": settings.webhook_url,
        "secret_token": settings.webhook_token,
        "allowed_updates": ALLOWED_UPDATES,
    }
    return msgspec.structs.replace(request(settings, "setWebhook", fields), max_answer_bytes=health.MAX_ANSWER_BYTES)


def read_registration(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    return _read(settings, answer)


def _read(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    """404 is how the Bot API says that no bot has this token."""
    verdict = health.read(settings, answer, knocked=False)
    if answer.status == 404:
        return Verdict(ok=False, code=verdicts.UNAUTHORIZED, detail=verdict.detail)
    if verdict.ok and answers.field(answers.read_json(settings, answer)[0], "ok") is False:
        return Verdict(ok=False, code=verdicts.UNEXPECTED, detail=verdict.detail)
    return verdict
