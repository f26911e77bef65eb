"""The sandbox vendor's mind: from a request to what happens on the connection. No I/O but the ledger's.

What becomes of a message is decided here, by its recipient; how that is said is the dialect's (`dialects/`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from providers.sandbox import page
from providers.sandbox.behaviours import Behaviour, behaviour_of
from providers.sandbox.dialects import DIALECTS, Router
from providers.sandbox.dialects.dialect import MANY_SCRIPTS, Dialect, Fate, Item, Malformed, Sends, encode
from providers.sandbox.dialects.gateway import Gateway
from providers.sandbox.ledger import Ledger
from providers.sandbox.messages import HTML, Request, answer
from providers.sandbox.replies import After, Reply

GATEWAY = "gateway"
PAGE = b"<!doctype html><h1>Something went wrong</h1>"
EARLY_MS = 400
"""How long an answer waits for the reports that come before it."""


class Taken(NamedTuple):
    """A message that the vendor has: what its reports will be about."""

    dialect: str
    item: Item
    message_id: str
    behaviour: str
    form: Any = None


# Behaviours that are the same for every vendor and concern the request as a whole.
COMMON: dict[str, Reply] = {
    "502": Reply(answer(502, PAGE, HTML)),
    "504": Reply(answer(504, PAGE, HTML)),
    "html": Reply(answer(500, PAGE, HTML)),
    "redirect": Reply(answer(307, b"", extra=b"Location: http://127.0.0.1:1/elsewhere\r\n")),
    "empty": Reply(answer(200, b"")),
    "not-json": Reply(answer(200, b"<!doctype html><h1>Thank you</h1>", HTML)),
    "huge": Reply(answer(200, b'{"noise":"' + b"x" * 2_000_000 + b'"}')),
    "hang-before": Reply(b"", After.HANG),
    "hang-after": Reply(b"", After.HANG),
    "close": Reply(b"", After.CLOSE),
    "reset": Reply(b"", After.RESET),
}
# Half of an answer, and then?
HALVES = {"hang-inside": After.HANG, "cut": After.CLOSE}
ONCE = {"429-once", "500-once", "401-once"}


class Vendor:
    """`idempotent`: a repeated key is answered with the first id and not accepted again, for every recipient. `told`:
    the credential that each dialect wants to see. `echo`: every refusal repeats the request, credentials too.
    `on_taken` hears of every accepted message, before its answer leaves."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        idempotent: bool,
        clock: Callable[[], float],
        told: Mapping[str, str] | None = None,
        echo: bool = False,
        dialects: Mapping[str, Dialect] = DIALECTS,
        on_taken: Callable[[Taken], None] | None = None,
    ) -> None:
        self.ledger = ledger
        self._idempotent = idempotent
        self._clock = clock
        self.told = told or {}
        self.echo = echo
        self._router = Router({**dialects, GATEWAY: Gateway(idempotent=idempotent)})
        self._on_taken = on_taken
        self._tried: set[tuple[str, str]] = set()

    def reply_to(self, request: Request) -> Reply:
        if request.method not in (b"GET", b"POST", b"PUT", b"HEAD"):
            return Reply(answer(405, b'{"error":"method not allowed"}'))
        dialect, path = self._router.route(request)
        if request.method != b"POST" and dialect.name == GATEWAY and not path.endswith("/health"):
            return self._show(request.target)
        return self._serve(dialect, request, path)

    def _serve(self, dialect: Dialect, request: Request, path: str) -> Reply:
        now = self._clock()
        if not dialect.admits(request, path, self.told.get(dialect.name, ""), now):
            return Reply(dialect.refuse("unauthorized", now, self._suffix(request)))
        try:
            sends = dialect.read(request, path, now)
        except (Malformed, msgspec.MsgspecError, ValueError, RecursionError) as problem:
            return Reply(dialect.refuse("malformed", now, f" {problem}{self._suffix(request)}"))
        if isinstance(sends, bytes):
            return Reply(sends)
        return self._take(dialect, request, sends, now)

    def _take(self, dialect: Dialect, request: Request, sends: Sends, now: float) -> Reply:
        """The first message whose behaviour concerns the whole request decides for all of them."""
        chosen = [behaviour_of(item.to) for item in sends.items]
        suffix = self._suffix(request)
        for index, ((behaviour, _delay), item) in enumerate(zip(chosen, sends.items, strict=True)):
            if not self._concerns_all(dialect, behaviour.name, item):
                continue
            if behaviour.accepts and behaviour.name not in ONCE:
                for each in sends.items:
                    self.accept(dialect, each, behaviour, sends.form)
            else:
                self.ledger.behaviours[behaviour.name] += 1
            common = COMMON.get(behaviour.name)
            words = suffix + _told_in(behaviour.name, request)
            return common or Reply(dialect.refuse(behaviour.name, now, words, index))
        fates = [
            self._fate(dialect, item, behaviour, sends.form)
            for (behaviour, _delay), item in zip(chosen, sends.items, strict=True)
        ]
        names = {behaviour.name for behaviour, _delay in chosen}
        suffix += "".join(_told_in(name, request) for name in names)
        return _finish(dialect.answer(sends, fates, now, suffix), names, max(delay for _behaviour, delay in chosen))

    def _concerns_all(self, dialect: Dialect, name: str, item: Item) -> bool:
        if name not in COMMON and (name not in dialect.refusals or name in dialect.failures):
            return False
        return name not in ONCE or self.is_first_try(name, item)

    def is_first_try(self, name: str, item: Item) -> bool:
        """Of this message with one of `ONCE`; asked again it is not."""
        tried = (name, item.key or item.to)
        if tried in self._tried:
            return False
        self._tried.add(tried)
        return True

    def _fate(self, dialect: Dialect, item: Item, behaviour: Behaviour, form: Any) -> Fate:
        if behaviour.name in dialect.failures:
            self.ledger.behaviours[behaviour.name] += 1
            return Fate(item, behaviour.name, failure=behaviour.name)
        message_id = self.accept(dialect, item, behaviour, form)
        return Fate(item, behaviour.name, "" if behaviour.name == "no-id" else message_id)

    def accept(self, dialect: Dialect, item: Item, behaviour: Behaviour, form: Any) -> str:
        """Takes the message, or recognises it. Returns its id."""
        self.ledger.behaviours[behaviour.name] += 1
        key = item.key
        if key and (self._idempotent or behaviour.name == "idempotent") and self.ledger.accepted(key):
            self.ledger.repeated += 1
            return dialect.message_id(item, f"sandbox-{key}", behaviour.name, form)
        count = self.ledger.accept(key, item.to, self._clock())
        seed = f"sandbox-{self.ledger.total}"
        if key:
            seed = f"sandbox-{key}" if count == 1 else f"sandbox-{key}-{count}"
        message_id = dialect.message_id(item, seed, behaviour.name, form)
        if self._on_taken is not None:
            self._on_taken(Taken(dialect.name, item, message_id, behaviour.name, form))
        return message_id

    def _suffix(self, request: Request) -> str:
        return _whole(request) if self.echo else ""

    def _show(self, target: str) -> Reply:
        parts = urlsplit(target)
        if parts.path == "/":
            return Reply(answer(200, page.render(self.ledger).encode(), HTML))
        if parts.path == "/log/summary":
            return Reply(answer(200, encode(self.ledger.summary())))
        if parts.path == "/log":
            key = parse_qs(parts.query).get("key", [""])[0]
            found: Any = {"idempotency_key": key, "accepted": self.ledger.accepted(key)}
            return Reply(answer(200, encode(found if key else list(self.ledger.recent))))
        return Reply(answer(404, b'{"error":"not found"}'))


def _told_in(name: str, request: Request) -> str:
    """What a behaviour adds to the words of an error."""
    if name == "echo":
        return _whole(request)
    return MANY_SCRIPTS if name == "unicode-error" else ""


def _whole(request: Request) -> str:
    return f" | {request.head.decode('latin-1')} | {request.body.decode('utf-8', 'replace')}"


def _finish(data: bytes, names: set[str], delay_ms: int) -> Reply:
    """An answer as those behaviours leave it that are about the connection, or about time."""
    for name, after in HALVES.items():
        if name in names:
            size = len(data) - data.index(b"\r\n\r\n") - 4
            return Reply(data[: -(size // 2 or len(data) // 2)], after)
    return Reply(data, delay_ms=max(delay_ms, EARLY_MS if "report-early" in names else 0))
