"""Telegram's Bot API (provider-contracts §8): the token stands in the path, errors in the same form as results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from providers.sandbox.dialects.dialect import Dialect, Fate, Item, Malformed, Refusal, Sends, digest, encode, table
from providers.sandbox.messages import Request, answer

SENDING = ("sendMessage", "sendPhoto", "sendDocument", "sendVideo", "sendAudio")
TOLD: dict[str, Any] = {
    "getMe": {"id": 100200300, "is_bot": True, "first_name": "Sandbox", "username": "sandbox_bot"},
    "setWebhook": True,
    "deleteWebhook": True,
    "getWebhookInfo": {"url": "", "has_custom_certificate": False, "pending_update_count": 0},
}
NO_METHOD = Refusal(404, 404, "Not Found")


class Telegram(Dialect):
    name = "telegram"
    hosts = frozenset({"api.telegram.org"})
    paths = r"/bot[^/]+/"
    refusals = table(
        reject=Refusal(400, 400, "Bad Request: can't parse entities: unclosed start tag"),
        malformed=Refusal(400, 400, "Bad Request: chat_id is empty"),
        unauthorized=Refusal(401, 401, "Unauthorized"),
        invalid=Refusal(400, 400, "Bad Request: chat not found"),
        opted_out=Refusal(403, 403, "Forbidden: bot was blocked by the user"),
        failed_in_200=Refusal(200, 403, "Forbidden: user is deactivated"),
        _429=Refusal(429, 429, "Too Many Requests: retry after 1"),
        _429_bare=Refusal(429, 429, "Too Many Requests"),
        _500=Refusal(500, 500, "Internal Server Error"),
        _503=Refusal(503, 503, "Service Unavailable"),
    )

    def credential_of(self, request: Request, path: str) -> str:
        first = path.lstrip("/").partition("/")[0]
        return unquote(first.removeprefix("bot")) if first.startswith("bot") else ""

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        method = path.rpartition("/")[2]
        if method in TOLD:
            return answer(200, encode({"ok": True, "result": TOLD[method]}))
        if method not in SENDING:
            return answer(404, self.body_of(NO_METHOD, ""))
        fields = _fields(request)
        chat = fields.get("chat_id")
        if not isinstance(chat, str | int) or chat == "":
            raise Malformed
        return Sends((Item(str(chat)),), form=fields)

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return str(int(digest(seed, 4), 16) + 1)

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        (fate,) = fates
        chat: dict[str, Any] = {"id": fate.item.to, "type": "private"}
        if fate.item.to.lstrip("-").isdecimal():
            chat["id"] = int(fate.item.to)
        result: dict[str, Any] = {"date": int(now), "chat": chat, "text": sends.form.get("text", "")}
        if fate.message_id:
            result["message_id"] = int(fate.message_id)
        return answer(200, encode({"ok": True, "result": result}))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        said: dict[str, Any] = {"ok": False, "error_code": row.code, "description": row.words + suffix}
        if "retry after" in row.words:
            said["parameters"] = {"retry_after": 1}
        return encode(said)

    def extra_of(self, name: str, now: float) -> bytes:
        return b""


def _fields(request: Request) -> dict[str, Any]:
    if request.field("content-type").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode()))
    fields = msgspec.json.decode(request.body)
    return fields if isinstance(fields, dict) else {}


dialect = Telegram()
