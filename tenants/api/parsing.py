"""JSON in, read strictly: what is malformed is told with its place, what no table can hold never gets further."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from tenants.api.problems import FieldError, Path, Problem

DEEPEST = 40
LONGEST_NUMBER = 100
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ARG002 - DRF's
        raw = stream.read(settings.API_MAX_BODY_BYTES + 1)
        if len(raw) > settings.API_MAX_BODY_BYTES:
            raise Problem("too_large")
        value = decode(raw)
        errors = [
            FieldError(
                path, "unstorable_character", _("It holds a character that cannot be stored: NUL or half a pair.")
            )
            for path in _unstorable(value, ())
        ]
        if errors:
            raise Problem("invalid", errors=errors)
        return value


def decode(raw: bytes) -> Any:
    """The value of a JSON text. Raises Problem with line and column where it is none."""
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_fraction,
            object_pairs_hook=_without_repeats,
        )
    except UnicodeDecodeError as error:
        raise Problem("malformed_json", _("It is not UTF-8 at byte %(place)d.") % {"place": error.start}) from None
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno}
        told = _("Line %(line)d, column %(column)d: %(what)s.") % {**place, "what": error.msg}
        raise Problem("malformed_json", told, more=place) from None
    except RecursionError:
        raise Problem("malformed_json", _("It is nested too deeply.")) from None


def _no_number(text: str) -> Any:
    raise Problem("malformed_json", _("%(text)s is no number in JSON.") % {"text": text})


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise Problem("malformed_json", _("A number has too many digits."))
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if len(text) > LONGEST_NUMBER or value in (float("inf"), float("-inf")):
        raise Problem("malformed_json", _("A number has too many digits."))
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise Problem("malformed_json", _("“%(name)s” is there twice.") % {"name": repeated[:60]})
    return found


def _unstorable(value: Any, path: Path) -> Iterator[Path]:
    if len(path) > DEEPEST:
        raise Problem("malformed_json", _("It is nested too deeply."))
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield path
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unstorable(inner, (*path, index))
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _UNSTORABLE.search(name):
                yield path
            yield from _unstorable(inner, (*path, name))
