"""Words for faults that are safe to store and to show: paths, type names, text without what PostgreSQL refuses."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def path_to(path: str, key: str | int) -> str:
    """One step down: $.contact_attributes.first_name, $.list[3], $["a name with spaces"]."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN.fullmatch(key):
        return f"{path}.{key}"
    quoted = key[:100].replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


def type_name(value: Any) -> str:
    if value is None:
        return _("null")
    if isinstance(value, bool):
        return _("true or false")
    if isinstance(value, str):
        return _("text")
    if isinstance(value, dict):
        return _("an object")
    return _("a list") if isinstance(value, list) else _("a number")


def cleaned(text: str, length: int) -> str:
    """At most `length` characters, without NUL and lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text[:length])
