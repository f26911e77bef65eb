"""The sandbox vendor's mind: from a request to what happens on the connection. No I/O but the ledger's."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from providers.sandbox import behaviours, page
from providers.sandbox.behaviours import Behaviour
from providers.sandbox.ledger import Ledger
from providers.sandbox.messages import HTML, Request, answer

RETRY_AFTER = b"Retry-After: 1\r\n"
MAX_BATCH = 100


class After(enum.Enum):
    """What becomes of the connection once the answer, if any, is out."""

    KEEP = enum.auto()
    CLOSE = enum.auto()
    RESET = enum.auto()
    HANG = enum.auto()


class Reply(NamedTuple):
    data: bytes
    after: After = After.KEEP
    delay_ms: int = 0


class Send(msgspec.Struct, gc=False):
    """One message, as far as the vendor cares; `idempotencyKey` is how a batch names its messages."""

    to: str
    idempotencyKey: str = ""  # noqa: N815 - the contract's spelling
    message: str | None = None
    body: str | None = None


class Batch(msgspec.Struct, gc=False):
    messages: list[Send]


class Result(msgspec.Struct, gc=False):
    messageId: str | None  # noqa: N815 - the contract's spelling
    status: str
    error: Any = None


# Behaviours that concern the request as a whole; in a batch the first of them decides for all messages.
WHOLE: dict[str, Reply] = {
    "429": Reply(answer(429, b'{"error":"rate limited"}', extra=RETRY_AFTER)),
    "429-once": Reply(answer(429, b'{"error":"rate limited"}', extra=RETRY_AFTER)),
    "500": Reply(answer(500, b'{"error":"internal error"}')),
    "500-once": Reply(answer(500, b'{"error":"internal error"}')),
    "502": Reply(answer(502, b'{"error":"bad gateway"}')),
    "503": Reply(answer(503, b'{"error":"unavailable"}', extra=RETRY_AFTER)),
    "html": Reply(answer(500, b"<!doctype html><h1>Something went wrong</h1>", HTML)),
    "unauthorized": Reply(answer(401, b'{"error":"unauthorized"}')),
    "hang-before": Reply(b"", After.HANG),
    "hang-after": Reply(b"", After.HANG),
    "close": Reply(b"", After.CLOSE),
    "reset": Reply(b"", After.RESET),
}
FAILURES: dict[str, tuple[int, Result]] = {
    "reject": (400, Result(None, "failed", {"code": "CONTENT_REJECTED", "message": "the content is refused"})),
    "unknown": (400, Result(None, "failed", {"code": "NO_SUCH_BEHAVIOUR", "message": "see the table on the page /"})),
    "invalid": (422, Result(None, "failed", {"code": "RECIPIENT_INVALID", "message": "no such recipient"})),
    "opted-out": (200, Result(None, "failed", {"code": "OPTED_OUT", "message": "wants no messages"})),
    "failed-in-200": (200, Result(None, "failed", "the provider was not amused")),
}
ONCE = {"429-once", "500-once"}
TAKEN_IN_SILENCE = {"hang-after", "close"}


class Vendor:
    """`idempotent`: a repeated key is answered with the first id and not accepted again, for every recipient."""

    def __init__(self, ledger: Ledger, *, idempotent: bool, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self._idempotent = idempotent
        self._clock = clock
        self._tried: set[tuple[str, str]] = set()
        self._decode_send = msgspec.json.Decoder(Send).decode
        self._decode_batch = msgspec.json.Decoder(Batch).decode
        self._encode = msgspec.json.Encoder().encode

    def reply_to(self, request: Request) -> Reply:
        if request.method == b"POST":
            return self._take(request)
        if request.method == b"GET":
            return self._show(request.target)
        return Reply(answer(405, b'{"error":"method not allowed"}'))

    def _take(self, request: Request) -> Reply:
        path = request.target.partition("?")[0]
        try:
            if path.endswith("-batch"):
                return self._take_batch(self._decode_batch(request.body).messages)
            return self._take_one(self._decode_send(request.body), request.key)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
            return Reply(answer(400, self._encode({"error": {"code": "BAD_REQUEST", "message": str(problem)}})))

    def _take_one(self, send: Send, key: str) -> Reply:
        behaviour, delay_ms = behaviours.behaviour_of(send.to)
        whole = self._whole(behaviour, key or send.to)
        if whole is not None:
            if behaviour.name in TAKEN_IN_SILENCE:
                self._accept(send, key, behaviour)
            return whole
        status, result = self._result(send, key, behaviour)
        return Reply(answer(status, self._encode(result)), delay_ms=delay_ms)

    def _take_batch(self, sends: list[Send]) -> Reply:
        if not 0 < len(sends) <= MAX_BATCH:
            return Reply(answer(413, b'{"error":"a batch has 1 to 100 messages"}'))
        chosen = [behaviours.behaviour_of(send.to) for send in sends]
        for (behaviour, _delay), send in zip(chosen, sends, strict=True):
            whole = self._whole(behaviour, send.idempotencyKey or send.to)
            if whole is not None:
                if behaviour.name in TAKEN_IN_SILENCE:
                    for each in sends:
                        self._accept(each, each.idempotencyKey, behaviour)
                return whole
        results = [
            self._result(send, send.idempotencyKey, behaviour)[1]
            for (behaviour, _delay), send in zip(chosen, sends, strict=True)
        ]
        return Reply(answer(200, self._encode(results)), delay_ms=max(delay for _behaviour, delay in chosen))

    def _whole(self, behaviour: Behaviour, key: str) -> Reply | None:
        """The reply of a behaviour that is not about one message, or None."""
        reply = WHOLE.get(behaviour.name)
        if reply is None:
            return None
        if behaviour.name in ONCE:
            if (behaviour.name, key) in self._tried:
                return None
            self._tried.add((behaviour.name, key))
        if behaviour.name not in TAKEN_IN_SILENCE:
            self.ledger.behaviours[behaviour.name] += 1
        return reply

    def _result(self, send: Send, key: str, behaviour: Behaviour) -> tuple[int, Result]:
        if behaviour.name in FAILURES:
            self.ledger.behaviours[behaviour.name] += 1
            return FAILURES[behaviour.name]
        message_id = self._accept(send, key, behaviour)
        return 200, Result(None if behaviour.name == "no-id" else message_id, "sent")

    def _accept(self, send: Send, key: str, behaviour: Behaviour) -> str:
        """Takes the message, or recognises it. Returns its id."""
        self.ledger.behaviours[behaviour.name] += 1
        if key and (self._idempotent or behaviour.name == "idempotent") and self.ledger.accepted(key):
            self.ledger.repeated += 1
            return f"sandbox-{key}"
        count = self.ledger.accept(key, send.to, self._clock())
        if not key:
            return f"sandbox-{self.ledger.total}"
        return f"sandbox-{key}" if count == 1 else f"sandbox-{key}-{count}"

    def _show(self, target: str) -> Reply:
        parts = urlsplit(target)
        if parts.path == "/":
            return Reply(answer(200, page.render(self.ledger).encode(), HTML))
        if parts.path == "/log/summary":
            return Reply(answer(200, self._encode(self.ledger.summary())))
        if parts.path == "/log":
            key = parse_qs(parts.query).get("key", [""])[0]
            found: Any = {"idempotency_key": key, "accepted": self.ledger.accepted(key)}
            return Reply(answer(200, self._encode(found if key else list(self.ledger.recent))))
        if parts.path.endswith("/health"):
            health = {"status": "ok", "idempotent": self._idempotent, "receipts": False, "batch": True}
            return Reply(answer(200, self._encode(health)))
        return Reply(answer(404, b'{"error":"not found"}'))
