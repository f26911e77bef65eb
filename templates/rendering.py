"""From a text with {{placeholders}} and a contact's values to the message (seed 000 §6). Pure; a hot path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any

import msgspec

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}", re.ASCII)
_BRACES = re.compile(r"\{+[^{}\n]{0,60}\}*|\}+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_EXACT_FLOAT = 1e15
_BIGGEST_INT_BITS = 256


class Compiled(msgspec.Struct, frozen=True, gc=False):
    """A text made ready once. `names` are its distinct placeholders in order of appearance."""

    names: tuple[str, ...]
    pattern: str
    pick: Callable[[Mapping[str, str]], Any] | None


def placeholders_of(*texts: str) -> list[str]:
    """Distinct placeholder names of all texts, in order of appearance."""
    return list(dict.fromkeys(name for text in texts for name in PLACEHOLDER.findall(text)))


def compile_text(text: str) -> Compiled:
    """The text as a %-pattern with one slot per placeholder: C code fills it, and never looks inside a value."""
    parts = PLACEHOLDER.split(text)
    names = parts[1::2]
    if not names:
        return Compiled(names=(), pattern=text, pick=None)
    pattern = "%s".join(literal.replace("%", "%%") for literal in parts[::2])
    return Compiled(names=tuple(dict.fromkeys(names)), pattern=pattern, pick=itemgetter(*names))


def render(compiled: Compiled, values: Mapping[str, str]) -> str:
    """The message. Raises KeyError where `values` lacks one of `compiled.names`: missing ones are the caller's gate."""
    if compiled.pick is None:
        return compiled.pattern
    message: str = compiled.pattern % compiled.pick(values)
    return message


def choose(body: Compiled, variants: Sequence[Compiled], key: str) -> Compiled:
    """One of the wordings, evenly spread over keys and always the same for one key (a person, else the event)."""
    if not variants:
        return body
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"wording").digest()
    chosen = int.from_bytes(digest, "big") % (len(variants) + 1)
    return variants[chosen - 1] if chosen else body


def value_text(value: object) -> str | None:
    """A contact attribute as message text; None where there is nothing to write or no way to write it.

    Text stays as it is, whole numbers lose their ".0" (1500.00 is "1500"). Booleans are refused like lists and
    objects: the attribute types are text and number, and "true" is no wording for a customer.
    """
    if isinstance(value, str):
        return None if not value or value.isspace() else value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _BIGGEST_INT_BITS else None
    return _float_text(value) if isinstance(value, float) else None


def _float_text(value: float) -> str | None:
    if value.is_integer():
        return str(int(value)) if abs(value) < _EXACT_FLOAT else repr(value)
    return repr(value) if abs(value) < float("inf") else None


def is_missing(value: object) -> bool:
    """Nothing was given (null, empty or blank), as opposed to something that cannot be written into a message."""
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def is_storable(text: str) -> bool:
    """PostgreSQL takes neither NUL nor half of a surrogate pair."""
    return "\x00" not in text and not _SURROGATE.search(text)


def suspicious_placeholders(text: str) -> list[str]:
    """What looks meant as a placeholder and is not one: {{ name }}, {{preço}}, {name}, {{name}, {{}}."""
    return list(dict.fromkeys(_BRACES.findall(PLACEHOLDER.sub("\n", text))))
