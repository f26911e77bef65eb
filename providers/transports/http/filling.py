"""Templates with {{placeholders}}, made ready once per configuration and filled once per message. Pure.

In JSON a text that is one placeholder becomes the value itself ({{variables}} an object), and what has no value is
left out with its key; inside a longer text it becomes the text of the value, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from providers.messages import Message

NAMES = (
    *("to", "body", "subject", "template_code", "media_url", "dispatch_id", "correlation_id", "channel"),
    *("callback_url", "variables"),
)
ONE_VARIABLE = "variables."
_HOLE = re.compile(r"\{\{([^{}]*)\}\}")
_ABSENT = object()

Values = Mapping[str, Any]
Filler = Callable[[Values], Any]
Texter = Callable[[Values], str]


def values_of(message: Message, *, to: str, callback_url: str) -> dict[str, Any]:
    return {
        "to": to,
        "body": message.body,
        "subject": message.subject,
        "template_code": message.template_code,
        "media_url": message.media_url,
        "dispatch_id": message.dispatch_id,
        "correlation_id": message.correlation_id,
        "channel": message.channel,
        "callback_url": callback_url,
        "variables": message.variables,
    }


def names_in(template: Any) -> Iterator[str]:
    """Every placeholder of a text, or of the texts and keys of a JSON value."""
    if isinstance(template, str):
        yield from (name.strip() for name in _HOLE.findall(template))
    elif isinstance(template, Mapping):
        for key, inner in template.items():
            yield from names_in(key)
            yield from names_in(inner)
    elif isinstance(template, list):
        for inner in template:
            yield from names_in(inner)


def is_known(name: str) -> bool:
    return name in NAMES or (name.startswith(ONE_VARIABLE) and len(name) > len(ONE_VARIABLE))


def text_filler(template: str, escape: Callable[[str], str] = str) -> Texter:
    """Of a text; `escape` is done to each value, never to what the template itself says."""
    parts = _HOLE.split(template)
    if len(parts) == 1:
        return lambda _values: template
    literals, names = parts[::2], [name.strip() for name in parts[1::2]]

    def fill(values: Values) -> str:
        filled = [escape(_text(_value(values, name))) + after for name, after in zip(names, literals[1:], strict=True)]
        return literals[0] + "".join(filled)

    return fill


def json_filler(template: Any) -> Filler:
    """Of a JSON value. The result holds only what JSON can say."""
    if isinstance(template, str):
        return _json_text(template)
    if isinstance(template, Mapping):
        return _json_object([(key, json_filler(inner)) for key, inner in template.items()])
    if isinstance(template, list):
        return _json_list([json_filler(inner) for inner in template])
    return lambda _values: template


def _json_text(template: str) -> Filler:
    whole = _HOLE.fullmatch(template)
    if whole is None:
        return text_filler(template)
    name = whole[1].strip()

    def fill(values: Values) -> Any:
        value = _value(values, name)
        return _ABSENT if value is None or value in ("", {}) else value

    return fill


def _json_object(parts: list[tuple[str, Filler]]) -> Filler:
    def fill(values: Values) -> dict[str, Any]:
        filled = ((key, inner(values)) for key, inner in parts)
        return {key: value for key, value in filled if value is not _ABSENT}

    return fill


def _json_list(parts: list[Filler]) -> Filler:
    def fill(values: Values) -> list[Any]:
        return [value for value in (inner(values) for inner in parts) if value is not _ABSENT]

    return fill


def _value(values: Values, name: str) -> Any:
    if name.startswith(ONE_VARIABLE):
        return values["variables"].get(name.removeprefix(ONE_VARIABLE))
    return values.get(name)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
