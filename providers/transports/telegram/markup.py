"""From a rendered body to Telegram's text, its formatting and its buttons. Pure.

Formatting goes out as `entities` (places in the text) beside the bare text, never as parse_mode: Telegram then parses
nothing, and no character of a name or a price can make it refuse a message ("can't parse entities"). What is no
complete formatting stays in the text as it was typed. Characters that came from a contact's values are text, whatever
they are: the values are looked for in the body, and none of their characters opens or closes anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

# Longest first: `__` is not twice `_`.
MARKERS: dict[str, str] = {
    "||": "spoiler",
    "__": "underline",
    "**": "bold",
    "*": "bold",
    "_": "italic",
    "~": "strikethrough",
}
LONGEST_LABEL, LONGEST_ADDRESS = 260, 2100
"""With their brackets. What a stranger's text makes us look through stays little."""
FENCE, TICK = "```", "`"
_CODE = ("pre", "code")
_SPECIAL = re.compile(r"[*_~|`\[\]()\\]")
_ADDRESS = re.compile(r"(https?://[^\s/]+\.[^\s]+|tg://[^\s]+)")


class Marked(msgspec.Struct, frozen=True):
    """`entities` count in UTF-16 code units, as Telegram does; `buttons` are rows of {text, url}."""

    text: str
    entities: list[dict[str, Any]]
    buttons: list[list[dict[str, str]]]


def read_markup(body: str, values: Iterable[str], *, formatting: bool, buttons: bool) -> Marked:
    if not _SPECIAL.search(body):
        return Marked(body, [], [])
    literal = literal_places(body, values)
    rows: list[list[dict[str, str]]] = []
    if buttons:
        end, rows = _take_buttons(body, literal)
        body = body[:end]
    if not formatting:
        return Marked(body, [], rows)
    return Marked(*_Reader(body, literal).read(), rows)


def literal_places(body: str, values: Iterable[str]) -> frozenset[int]:
    """The places of the body that a contact's value fills, where it holds a character that could format."""
    places: set[int] = set()
    for value in values:
        start = body.find(value) if _SPECIAL.search(value) else -1
        while start >= 0:
            places.update(range(start, start + len(value)))
            start = body.find(value, start + len(value))
    return frozenset(places)


def _take_buttons(body: str, literal: frozenset[int]) -> tuple[int, list[list[dict[str, str]]]]:
    """(where the text before the buttons ends, the rows). A body of nothing but buttons keeps them as text."""
    end = len(body)
    rows: list[list[dict[str, str]]] = []
    while end > 0:
        start = body.rfind("\n", 0, end) + 1
        row = _button_row(body, start, end, literal)
        if row is None:
            break
        if row:
            rows.insert(0, row)
        if start == 0:
            return len(body), []
        end = start - 1
    return (len(body[:end].rstrip()), rows) if rows else (len(body), [])


def _button_row(body: str, start: int, end: int, literal: frozenset[int]) -> list[dict[str, str]] | None:
    """The buttons of a line, [] of an empty one, None where it holds anything else."""
    row: list[dict[str, str]] = []
    at = start
    while at < end:
        if body[at].isspace():
            at += 1
            continue
        link = _link_at(body, at, end, literal)
        if link is None:
            return None
        label, address, at = link
        row.append({"text": label, "url": address})
    return row


def _link_at(body: str, at: int, end: int, literal: frozenset[int]) -> tuple[str, str, int] | None:
    """(text, address, place behind it) of a [text](address) that begins at a place."""
    if body[at] != "[" or at in literal:
        return None
    middle = _find(body, "](", at + 1, min(end, at + LONGEST_LABEL), literal)
    close = _find(body, ")", middle + 2, min(end, middle + LONGEST_ADDRESS), literal) if middle > 0 else -1
    if close < 0:
        return None
    label, address = body[at + 1 : middle].strip(), body[middle + 2 : close].strip()
    if not label or "\n" in label or not _ADDRESS.fullmatch(address):
        return None
    return label, address, close + 1


def _find(body: str, wanted: str, start: int, end: int, literal: frozenset[int]) -> int:
    """Where the author typed it next; -1 where nowhere before `end`."""
    at = body.find(wanted, start, end)
    while at >= 0 and literal and not literal.isdisjoint(range(at, at + len(wanted))):
        at = body.find(wanted, at + 1, end)
    return at


class _Reader:
    """One pass over the body. An opened marker is a piece of text until its end is found; then both vanish."""

    def __init__(self, body: str, literal: frozenset[int]) -> None:
        self._body, self._literal = body, literal
        self._pieces: list[str] = []
        self._open: list[tuple[str, int]] = []
        self._found: list[tuple[int, int, dict[str, Any]]] = []
        """First piece, piece behind the last, and what they are."""

    def read(self) -> tuple[str, list[dict[str, Any]]]:
        body, at = self._body, 0
        while at < len(body):
            special = _SPECIAL.search(body, at)
            start = special.start() if special else len(body)
            if start > at:
                self._pieces.append(body[at:start])
            at = self._step(start) if special else start
        return "".join(self._pieces), self._entities()

    def _step(self, at: int) -> int:
        """Past the special character at this place."""
        body = self._body
        if at in self._literal:
            return self._as_text(at, 1)
        if body[at] == "\\" and at + 1 < len(body) and _SPECIAL.match(body, at + 1):
            self._pieces.append(body[at + 1])
            return at + 2
        if body[at] == TICK:
            return self._code(at)
        if body[at] == "[":
            return self._link(at)
        marker = next((one for one in MARKERS if _find(body, one, at, at + len(one), self._literal) == at), "")
        return self._mark(marker, at) if marker else self._as_text(at, 1)

    def _mark(self, marker: str, at: int) -> int:
        before, behind = self._body[at - 1 : at], self._body[at + len(marker) : at + len(marker) + 1]
        opened = next((place for place, one in enumerate(self._open) if one[0] == marker), None)
        # In the middle of a word an underscore is a letter: my_file_name.
        is_word = marker in ("_", "__")
        ends = bool(before) and not before.isspace() and not (is_word and behind.isalnum())
        begins = bool(behind) and not behind.isspace() and not (is_word and before.isalnum())
        if opened is not None and ends:
            first = self._open[opened][1]
            del self._open[opened:]
            if any(self._pieces[first + 1 :]):
                self._pieces[first] = ""
                self._found.append((first, len(self._pieces), {"type": MARKERS[marker]}))
                return at + len(marker)
        elif begins:
            if opened is not None:
                del self._open[opened]  # never ended
            self._open.append((marker, len(self._pieces)))
        return self._as_text(at, len(marker))

    def _code(self, at: int) -> int:
        for marker, kind in ((FENCE, "pre"), (TICK, "code")):
            if not self._body.startswith(marker, at):
                continue
            close = _find(self._body, marker, at + len(marker), len(self._body), self._literal)
            inside = self._body[at + len(marker) : close].strip("\n") if close > 0 else ""
            if inside.strip():
                self._pieces.append(inside)
                self._found.append((len(self._pieces) - 1, len(self._pieces), {"type": kind}))
                return close + len(marker)
        return self._as_text(at, 1)

    def _link(self, at: int) -> int:
        link = _link_at(self._body, at, len(self._body), self._literal)
        if link is None:
            return self._as_text(at, 1)
        label, address, behind = link
        self._pieces.append(label)
        self._found.append((len(self._pieces) - 1, len(self._pieces), {"type": "text_link", "url": address}))
        return behind

    def _as_text(self, at: int, length: int) -> int:
        self._pieces.append(self._body[at : at + length])
        return at + length

    def _entities(self) -> list[dict[str, Any]]:
        places, total = [0], 0
        for piece in self._pieces:
            total += len(piece) + sum(character > "\uffff" for character in piece)
            places.append(total)
        # Code can hold no other formatting, nor be inside any (Bot API, "Formatting options").
        code = [first for first, _behind, what in self._found if what["type"] in _CODE]
        found = [
            {"type": what["type"], "offset": places[first], "length": places[behind] - places[first], **what}
            for first, behind, what in self._found
            if what["type"] in _CODE or not any(first <= one < behind for one in code)
        ]
        # The outer first: it ended later.
        found.reverse()
        return sorted(found, key=lambda one: (one["offset"], -one["length"]))
