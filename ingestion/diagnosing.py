"""Why an event cannot be taken: the slow second look that finds the code, the exact path and the words."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from ingestion import reasons, schema
from ingestion.records import Fault
from ingestion.wording import cleaned, path_to, type_name

# Reading deeper than this ends in a RecursionError somewhere; no honest event comes near.
_READABLE_DEPTH = 64
_LONGEST_INTEGER = 25
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMES = re.compile(rb'"(journey_name|correlation_id)"\s*:\s*"([^"\\]{1,200})"')
_NAMES_WITHIN = 65_536

Problem = tuple[str, str, str]


class _NotANumber:
    """What json.loads met where a producer wrote NaN or Infinity."""


class _HugeInteger:
    """A whole number with more digits than is worth parsing."""


def diagnose(value: bytes | None, tenant_id: int, max_bytes: int) -> Fault:
    """The one fault to tell of a value that did not decode. Never raises."""
    document, problem = _read(value, max_bytes)
    if problem is None:
        problem = next(_problems(document), None) or (reasons.MALFORMED_JSON, "$", _("The value could not be read."))
    names = _names_in(document, value)
    return Fault(
        code=problem[0],
        path=cleaned(problem[1], 300),
        message=cleaned(problem[2], 1000),
        tenant_id=tenant_id,
        journey_name=names.get("journey_name", ""),
        correlation_id=names.get("correlation_id", ""),
    )


def holds_nul(event: schema.Event, attributes: dict[str, Any]) -> bool:
    """Whether a text that would be stored holds NUL; the escape alone may as well be two characters and digits."""
    names = (event.journey_name, event.correlation_id, event.trace_id or "")
    return any("\0" in name for name in names) or any("\0" in text for _path, text in _texts(attributes, "$"))


def _read(value: bytes | None, max_bytes: int) -> tuple[Any, Problem | None]:
    if not value:
        return None, (reasons.NO_VALUE, "$", _("The record has no value."))
    if len(value) > max_bytes:
        message = _("%(size)d bytes, where %(most)d are allowed.") % {"size": len(value), "most": max_bytes}
        return None, (reasons.TOO_LARGE, "$", message)
    try:
        return json.loads(value.decode(), parse_constant=_constant, parse_int=_integer), None
    except UnicodeDecodeError as error:
        return None, (reasons.INVALID_UTF8, "$", _("Byte %(byte)d is not UTF-8.") % {"byte": error.start})
    except json.JSONDecodeError as error:
        return None, (reasons.MALFORMED_JSON, "$", _malformed(value, error))
    except RecursionError:
        return None, (reasons.TOO_DEEP, "$", _("Nested deeper than can be read."))


def _malformed(value: bytes, error: json.JSONDecodeError) -> str:
    if value[:1] == b"\0":
        return _("It begins with byte 0, as a schema registry's serialiser writes. Send plain JSON.")
    place = {"line": error.lineno, "column": error.colno, "problem": error.msg}
    return _("Line %(line)d, column %(column)d: %(problem)s") % place


def _constant(_name: str) -> _NotANumber:
    return _NotANumber()


def _integer(digits: str) -> int | _HugeInteger:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else _HugeInteger()


def _problems(document: Any) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield reasons.NOT_AN_OBJECT, "$", _must_be(_("an object"), document)
        return
    yield from _unreadable(document)
    for name in ("journey_name", "correlation_id"):
        if name not in document:
            yield reasons.MISSING_FIELD, f"$.{name}", _("This field is required.")
        else:
            yield from _name_problems(document[name], f"$.{name}")
    if document.get("trace_id") is not None:
        yield from _name_problems(document["trace_id"], "$.trace_id")
    if document.get("triggered_at") is not None:
        yield from _time_problems(document["triggered_at"], "$.triggered_at")
    yield from _contact_problems(document)
    yield from _too_deep(document)


def _unreadable(document: Any) -> Iterator[Problem]:
    """What makes the whole value unreadable, in whichever field, known or not."""
    for path, value in _leaves(document, "$"):
        if isinstance(value, _NotANumber):
            yield reasons.NOT_A_NUMBER, path, _("NaN and Infinity are not JSON.")
    for path, text in _texts(document, "$"):
        if _SURROGATE.search(text):
            yield reasons.LONE_SURROGATE, path, _("Holds half of a surrogate pair.")


def _too_deep(document: Any) -> Iterator[Problem]:
    level = [document]
    for _depth in range(_READABLE_DEPTH):
        level = [inner for value in level for inner in _inner(value)]
    if level:
        yield reasons.TOO_DEEP, "$", _("Nested deeper than can be read.")


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _name_problems(value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield reasons.WRONG_TYPE, path, _must_be(_("text"), value)
    elif not value:
        yield reasons.EMPTY_TEXT, path, _("Must not be empty.")
    else:
        yield from _text_problems(value, path, schema.MAX_NAME)


def _text_problems(value: str, path: str, most: int) -> Iterator[Problem]:
    if "\0" in value:
        yield reasons.NUL_CHARACTER, path, _("Holds the character NUL (\\u0000).")
    if len(value) > most:
        yield reasons.TEXT_TOO_LONG, path, _too_many(len(value), most)


def _time_problems(value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield reasons.WRONG_TYPE, path, _must_be(_("text"), value)
        return
    try:
        moment = msgspec.convert(value, dt.datetime)
    except msgspec.ValidationError:
        yield reasons.INVALID_TIME, path, _("Must be a time as 2024-10-20T14:30:00Z (RFC 3339, with seconds).")
        return
    if not schema.is_known_year(moment):
        years = {"first": schema.FIRST_YEAR, "last": schema.LAST_YEAR}
        yield reasons.INVALID_TIME, path, _("Must be between the years %(first)d and %(last)d.") % years


def _contact_problems(document: dict[str, Any]) -> Iterator[Problem]:
    path = "$.contact_attributes"
    if "contact_attributes" not in document:
        yield reasons.MISSING_FIELD, path, _("This field is required.")
        return
    attributes = document["contact_attributes"]
    if not isinstance(attributes, dict):
        yield reasons.WRONG_TYPE, path, _must_be(_("an object"), attributes)
        return
    for name, value in attributes.items():
        yield from _seed_field_problems(name, value, path_to(path, name))
    yield from _value_problems(attributes, path, 1)


def _seed_field_problems(name: str, value: Any, path: str) -> Iterator[Problem]:
    if value is None:
        return
    if name in schema.TEXT_FIELDS and not isinstance(value, str):
        yield reasons.WRONG_TYPE, path, _must_be(_("text"), value)
    if name in schema.NUMBER_FIELDS and (isinstance(value, bool) or not isinstance(value, int | float | _HugeInteger)):
        yield reasons.WRONG_TYPE, path, _must_be(_("a number"), value)
    if name == "tax_identification" and isinstance(value, str):
        yield from _text_problems(value, path, schema.MAX_TAX_ID)


def _value_problems(value: Any, path: str, level: int) -> Iterator[Problem]:
    if isinstance(value, str):
        yield from _text_problems(value, path, schema.MAX_TEXT)
    elif isinstance(value, dict | list):
        yield from _container_problems(value, path, level)
    elif _is_too_large(value):
        yield reasons.NUMBER_OUT_OF_RANGE, path, _("Whole numbers have 64 bits, others end at about 1.8e308.")


def _container_problems(value: dict[str, Any] | list[Any], path: str, level: int) -> Iterator[Problem]:
    if level > schema.MAX_DEPTH:
        message = _("Objects and lists may be nested %(most)d deep.") % {"most": schema.MAX_DEPTH}
        yield reasons.TOO_DEEP, path, message
        return
    most = schema.MAX_ATTRIBUTES if isinstance(value, dict) else schema.MAX_ITEMS
    if len(value) > most:
        yield reasons.TOO_MANY_ITEMS, path, _too_many(len(value), most)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        place = path_to(path, key)
        if isinstance(key, str):
            yield from _key_problems(key, place)
        yield from _value_problems(inner, place, level + 1)


def _key_problems(key: str, path: str) -> Iterator[Problem]:
    if "\0" in key:
        yield reasons.NUL_CHARACTER, path, _("Holds the character NUL (\\u0000).")
    if not 1 <= len(key) <= schema.MAX_KEY:
        message = _("The name of an attribute has 1 to %(most)d characters, this one %(size)d.")
        yield reasons.INVALID_KEY, path, message % {"most": schema.MAX_KEY, "size": len(key)}


def _is_too_large(value: Any) -> bool:
    if isinstance(value, _HugeInteger):
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value in (float("inf"), float("-inf")) or (
        isinstance(value, int) and not schema.MIN_INTEGER <= value <= schema.MAX_INTEGER
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Everything that is no container, without recursion: an ignored field may be nested as deep as it likes."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(path_to(path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(path_to(path, index), inner) for index, inner in enumerate(value)]
        else:
            yield path, value


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """All texts, names of fields included."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            yield from ((path_to(path, key), key) for key in value)
            waiting += [(path_to(path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(path_to(path, index), inner) for index, inner in enumerate(value)]


def _must_be(wanted: str, value: Any) -> str:
    return _("Must be %(wanted)s, not %(found)s.") % {"wanted": wanted, "found": type_name(value)}


def _too_many(size: int, most: int) -> str:
    return _("%(size)d, where %(most)d are allowed.") % {"size": size, "most": most}


def _names_in(document: Any, value: bytes | None) -> dict[str, str]:
    """Journey and correlation id, so that a person finds the event; from the bytes where it is no JSON."""
    if isinstance(document, dict):
        found = {name: document.get(name) for name in ("journey_name", "correlation_id")}
        return {name: cleaned(text, schema.MAX_NAME) for name, text in found.items() if isinstance(text, str)}
    pairs = _NAMES.findall((value or b"")[:_NAMES_WITHIN])
    return {name.decode(): cleaned(text.decode(errors="replace"), schema.MAX_NAME) for name, text in pairs}
