"""Expo push (provider-contracts §6): up to 100 messages in a request, a ticket for each, receipts on request.

A ticket's id ends in the code of its recipient's behaviour, so that receipts need no memory.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.behaviours import ACCEPT, BY_NAME
from providers.sandbox.dialects.dialect import (
    Dialect,
    Fate,
    Item,
    Malformed,
    Refusal,
    Sends,
    digest,
    encode,
    not_found,
    own_id,
    table,
)
from providers.sandbox.messages import Request, answer

MOST_ITEMS = 100
MOST_RECEIPTS = 1000
TOO_MANY = Refusal(400, "PUSH_TOO_MANY_NOTIFICATIONS", "more than 100 messages")
TOO_MANY_RECEIPTS = Refusal(400, "PUSH_TOO_MANY_RECEIPTS", "more than 1000 ids")
# Receipts by the code at the end of the ticket's id; a receipt that is not there yet is left out.
RECEIPTS = {
    BY_NAME["report-failed"].phone_code: ("DeviceNotRegistered", "the device cannot receive notifications anymore"),
    BY_NAME["report-opted-out"].phone_code: ("DeviceNotRegistered", "the device cannot receive notifications anymore"),
}
MISSING = {BY_NAME[name].phone_code for name in ("report-none", "report-late", "report-stranger")}


class Push(msgspec.Struct, gc=False):
    to: str | list[str]
    data: dict[str, Any] | None = None


class Ask(msgspec.Struct, gc=False):
    ids: list[str]


read_push = msgspec.json.Decoder(Push | list[Push]).decode
read_ask = msgspec.json.Decoder(Ask).decode


class Expo(Dialect):
    name = "expo"
    hosts = frozenset({"exp.host"})
    paths = r"/--/api/v2/push/"
    most_items = MOST_ITEMS
    refusals = table(
        malformed=Refusal(400, "VALIDATION_ERROR", "the request is not valid"),
        unauthorized=Refusal(401, "UNAUTHORIZED", "insufficient permissions to send push notifications"),
        _429=Refusal(429, "TOO_MANY_REQUESTS", "too many requests"),
        _500=Refusal(500, "INTERNAL_SERVER_ERROR", "an unknown error occurred"),
        _503=Refusal(503, "SERVICE_UNAVAILABLE", "the service is unavailable"),
    )
    failures = {
        "reject": Refusal(200, "MessageTooBig", "the payload is larger than 4096 bytes"),
        "unicode-error": Refusal(200, "MessageTooBig", "the payload is larger than 4096 bytes"),
        "unknown": Refusal(200, "MessageTooBig", "there is no behaviour of that name"),
        "invalid": Refusal(200, "DeviceNotRegistered", "is not a registered push notification recipient"),
        "opted-out": Refusal(200, "DeviceNotRegistered", "is not a registered push notification recipient"),
        "failed-in-200": Refusal(200, "InvalidCredentials", "the credentials for this app are not valid"),
    }

    def admits(self, request: Request, path: str, told: str, now: float) -> bool:
        """A token is only wanted where enhanced security is on, which is where the simulator was told one."""
        return not told or super().admits(request, path, told, now)

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        body = gzip.decompress(request.body) if request.field("content-encoding") == "gzip" else request.body
        if path.endswith("/push/getReceipts"):
            return self._receipts(read_ask(body).ids)
        if not path.endswith("/push/send"):
            return not_found()
        pushes = read_push(body)
        single = isinstance(pushes, Push)
        listed = [pushes] if isinstance(pushes, Push) else pushes
        items = [
            Item(to, own_id(push.data or {}))
            for push in listed
            for to in ([push.to] if isinstance(push.to, str) else push.to)
        ]
        if not items:
            raise Malformed("no message")
        return Sends(items, single) if len(items) <= MOST_ITEMS else answer(400, self.body_of(TOO_MANY, ""))

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        text = digest(seed, 15) + "0" + BY_NAME.get(behaviour, ACCEPT).phone_code
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[-12:]))

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        tickets = [self._ticket(fate, suffix) for fate in fates]
        return answer(200, encode({"data": tickets[0] if sends.form and len(tickets) == 1 else tickets}))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return encode({"errors": [{"code": row.code, "message": row.words + suffix, "isTransient": False}]})

    def _ticket(self, fate: Fate, suffix: str) -> dict[str, Any]:
        row = self.failures.get(fate.failure)
        if row is None:
            return {"status": "ok", "id": fate.message_id} if fate.message_id else {"status": "ok"}
        words = f'"{fate.item.to}" {row.words}{suffix}'
        return {"status": "error", "message": words, "details": {"error": row.code, "expoPushToken": fate.item.to}}

    def _receipts(self, ids: list[str]) -> bytes:
        if len(ids) > MOST_RECEIPTS:
            return answer(400, self.body_of(TOO_MANY_RECEIPTS, ""))
        return answer(200, encode({"data": {each: _receipt(each[-3:]) for each in ids if _is_there(each)}}))


def _is_there(ticket: str) -> bool:
    return len(ticket) == 36 and ticket[-4] == "0" and ticket[-3:] not in MISSING


def _receipt(code: str) -> dict[str, Any]:
    if code not in RECEIPTS:
        return {"status": "ok"}
    error, words = RECEIPTS[code]
    return {"status": "error", "message": words, "details": {"error": error}}


dialect = Expo()
