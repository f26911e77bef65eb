"""The plain HTTP contract that any company can put before its own sender (provider-contracts §11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.dialects.dialect import Dialect, Fate, Item, Refusal, Sends, encode, not_found, table
from providers.sandbox.messages import Request, answer

MOST_ITEMS = 100


class Send(msgspec.Struct, gc=False):
    """`idempotencyKey` is how a batch names its messages."""

    to: str
    idempotencyKey: str = ""  # noqa: N815 - the contract's spelling


class Batch(msgspec.Struct, gc=False):
    messages: list[Send]


class Result(msgspec.Struct, gc=False):
    messageId: str | None  # noqa: N815 - the contract's spelling
    status: str
    error: Any = None


read_send = msgspec.json.Decoder(Send).decode
read_batch = msgspec.json.Decoder(Batch).decode


class Gateway(Dialect):
    name = "gateway"
    most_items = MOST_ITEMS
    refusals = table(
        unauthorized=Refusal(401, "unauthorized", "the token is wrong"),
        _429=Refusal(429, "rate limited", "too many requests"),
        _500=Refusal(500, "internal error", "something broke"),
        _503=Refusal(503, "unavailable", "come back later"),
    )
    failures = {
        "reject": Refusal(400, "CONTENT_REJECTED", "the content is refused"),
        "unicode-error": Refusal(400, "CONTENT_REJECTED", "the content is refused"),
        "unknown": Refusal(400, "NO_SUCH_BEHAVIOUR", "see the table on the page /"),
        "invalid": Refusal(422, "RECIPIENT_INVALID", "no such recipient"),
        "opted-out": Refusal(200, "OPTED_OUT", "wants no messages"),
        "failed-in-200": Refusal(200, None, "the provider was not amused"),
    }

    def __init__(self, *, idempotent: bool = False) -> None:
        self._idempotent = idempotent

    def admits(self, request: Request, path: str, told: str, now: float) -> bool:
        """In whatever header it stands: some gateways have their own. Told none, it lets everybody in."""
        return not told or told.encode() in request.head

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        if request.method == b"GET":
            health = {"status": "ok", "idempotent": self._idempotent, "receipts": False, "batch": True}
            return answer(200, encode(health)) if path.endswith("/health") else not_found()
        if not path.endswith("-batch"):
            return Sends((Item(read_send(request.body).to, request.key),), form=False)
        messages = read_batch(request.body).messages
        if not 0 < len(messages) <= MOST_ITEMS:
            return answer(413, b'{"error":"a batch has 1 to 100 messages"}')
        return Sends([Item(each.to, each.idempotencyKey) for each in messages], form=True)

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return seed

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        results = [self._result(fate, suffix) for fate in fates]
        if sends.form:
            return answer(200, encode(results))
        failed = self.failures.get(fates[0].failure)
        return answer(failed.status if failed else 200, encode(results[0]))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return encode({"error": row.code + suffix})

    def refuse(self, name: str, now: float, suffix: str = "", index: int = 0) -> bytes:
        if name == "malformed":
            return answer(400, encode({"error": {"code": "BAD_REQUEST", "message": suffix}}))
        return super().refuse(name, now, suffix, index)

    def _result(self, fate: Fate, suffix: str) -> Result:
        row = self.failures.get(fate.failure)
        if row is None:
            return Result(fate.message_id or None, "sent")
        words = row.words + suffix
        return Result(None, "failed", {"code": row.code, "message": words} if row.code else words)


dialect = Gateway()
