"""Raw bytes that came in as text that is safe to show; an event's wrong place is marked where it can be found."""

from __future__ import annotations

import json
import re

import msgspec

from ingestion.models import RejectedTrigger

SHOWN_BYTES = 8_192
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[\"((?:[^\"\\]|\\.)*)\"\]|\[([0-9]+)\]")


class Shown(msgspec.Struct, frozen=True):
    """The text in three parts; `marked` is the place of the fault, "" where it is the whole or cannot be told."""

    before: str
    marked: str = ""
    after: str = ""
    cut: bool = False


def shown(rejected: RejectedTrigger) -> Shown:
    """Indented where it is JSON; else as it came, bytes that are no text written as \\x escapes."""
    body = shown_body(bytes(rejected.raw), whole=rejected.raw_size <= SHOWN_BYTES)
    return body if body.cut else _marked(body.before, rejected.path)


def shown_body(raw: bytes, *, whole: bool = True) -> Shown:
    """The same for any bytes, without a marked place; `whole`: these are all there were."""
    text = raw[:SHOWN_BYTES].decode(errors="backslashreplace").replace("\0", "\\x00")
    if not whole or len(raw) > SHOWN_BYTES:
        return Shown(text, cut=True)
    try:
        indented = json.dumps(json.loads(raw), ensure_ascii=False, indent=2).replace("\0", "\\x00")
        indented.encode()
    except (ValueError, RecursionError):
        return Shown(text)
    return Shown(indented)


def _marked(text: str, path: str) -> Shown:
    """The line of the last name on the path, found by following the names in the indented text."""
    steps = [found[1] or found[2] for found in _STEP.finditer(path) if found[1] or found[2]]
    at = 0
    for depth, name in enumerate(steps, 1):
        line = rf"^{'  ' * depth}{re.escape(json.dumps(name, ensure_ascii=False))}: .*$"
        found = re.compile(line, re.MULTILINE).search(text, at)
        if found is None:
            return Shown(text)
        at = found.start()
        if depth == len(steps):
            return Shown(text[: found.start()], found[0], text[found.end() :])
    return Shown(text)
