"""What a dialect is: one vendor's way to be asked and to answer, as pure functions. The mind (`vendor.py`) decides what
becomes of a message; the dialect only says it as that vendor would."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from providers.sandbox.messages import JSON, RETRY_AFTER, Request, answer

MANY_SCRIPTS = " ação ñ 🙈 漢字 مرفوض \u2028"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
encode = msgspec.json.Encoder().encode


class Item(NamedTuple):
    """One message of a request. `key`: our own id where the vendor lets us send one along, else ""."""

    to: str
    key: str = ""


class Sends(NamedTuple):
    """A request to send. `form`: what the dialect wants back when it answers."""

    items: Sequence[Item]
    form: Any = None


class Fate(NamedTuple):
    """What became of one message: taken with an id, or a failure by the behaviour's name."""

    item: Item
    behaviour: str
    message_id: str = ""
    failure: str = ""


class Refusal(NamedTuple):
    """A row of a dialect's table: the HTTP status, the vendor's own code, and its words."""

    status: int
    code: Any
    words: str


class Malformed(Exception):  # noqa: N818 - reads as what it says
    """No request that this vendor understands."""


class Dialect:
    """Base of dialects. A subclass names `name`, `REFUSALS`, and writes `read`, `answer`, `body_of`."""

    name = ""
    hosts: frozenset[str] = frozenset()
    """Names of the real servers: a request for one of them is for this dialect, wherever it is mounted."""
    paths = ""
    """A pattern of paths that no other vendor has: requests for them are for this dialect also without its name."""
    most_items = 1
    refusals: Mapping[str, Refusal] = {}
    """Behaviours that this vendor answers by refusing the whole request."""
    failures: Mapping[str, Refusal] = {}
    """Behaviours that it answers per message, inside a success."""

    def admits(self, request: Request, path: str, told: str, now: float) -> bool:
        """Whether the request carries a credential: `told`, or any at all where the simulator was told none."""
        given = self.credential_of(request, path)
        return given == told if told else bool(given)

    def credential_of(self, request: Request, path: str) -> str:
        scheme, _, token = request.field("authorization").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        """The messages of a request, or the whole answer to one that sends none. Raises Malformed, MsgspecError."""
        raise NotImplementedError

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        """The vendor's id of a message that was taken. Equal seeds give equal ids. `form`: the request's."""
        return digest(seed, 16)

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        """The answer to a request whose messages met these fates. `suffix`: to be appended to error texts."""
        raise NotImplementedError

    def refuse(self, name: str, now: float, suffix: str = "", index: int = 0) -> bytes:
        """The refusal of a whole request, by the name of a behaviour in `refusals`. `index`: the message's place."""
        row = self.refusals[name]
        return answer(row.status, self.body_of(row, suffix), JSON, self.extra_of(name, now))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        raise NotImplementedError

    def extra_of(self, name: str, now: float) -> bytes:
        """Header lines of a refusal."""
        return RETRY_AFTER if name in ("429", "429-once", "503") else b""


def not_found() -> bytes:
    return answer(404, b'{"error":"not found"}')


def own_id(*given: Any) -> str:
    """Our dispatch id, wherever in these values a transport put it: whatever looks like a uuid."""
    for value in given:
        for text in value.values() if isinstance(value, Mapping) else (value,):
            if isinstance(text, str) and (found := _UUID.search(text)):
                return found.group()
    return ""


def digits_in(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())


def digest(seed: str, size: int) -> str:
    """Hexadecimal, twice as long as `size`."""
    return hashlib.blake2b(seed.encode(), digest_size=size).hexdigest()


def table(**rows: Refusal) -> dict[str, Refusal]:
    """Rows by behaviour: "_429_bare" stands for "429-bare". Fills in the rows that follow from others."""
    named = {name.lstrip("_").replace("_", "-"): row for name, row in rows.items()}
    for name, same in SAME.items():
        if same in named:
            named.setdefault(name, named[same])
    return named


SAME = {
    "429-bare": "429",
    "429-once": "429",
    "500-once": "500",
    "echo": "500",
    "401-once": "unauthorized",
    "unknown": "reject",
    "unicode-error": "reject",
    "malformed": "reject",
}
