"""Takes credentials out of what a vendor answers: some echo the request, and answers are stored and published.

A credential is found however it is spelled there: as it is, as JSON, XML, addresses and forms write it, within the
base64 of a login; and also where the text ends in the middle of it, for answers are cut.
"""

from __future__ import annotations

import html
import json
import re
import string
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from providers.credentials import names_credential

MARK = b"[redacted]"
SHORTEST = 6
"""A shorter credential would match by chance and blank out innocent text."""
HEAD = 8
"""So many first characters of a credential at the very end of a text are one that was cut."""

_PLAIN = frozenset(string.ascii_letters + string.digits + "_.-")
"""Characters that are spelled in one way only."""
_PLAIN_RUN = re.compile(r"[A-Za-z0-9_.-]+")
_SHORT = {"\n": "n", "\r": "r", "\t": "t"}
_URL_SAFE = {"+": "-", "/": "_"}
_TORN = r"(?i:%[0-9a-f]{0,4}|\\+(?:u[0-9a-f]{0,3})?|&#?[0-9a-z]{0,6})?\Z"
"""An escape that the end of the text cut, or the end itself."""
_IN_BASE64 = "[A-Za-z0-9+/_-]"
_PADDING = r"(?i:=|%(?:25)*3d|\\+u003d)*"


def redacted(body: bytes, credentials: Iterable[str]) -> bytes:
    """The body without any of the credentials. Where there is no trace of one, this is a handful of look-ups."""
    known = tuple(credentials)
    if any(trace in body for trace in _traces(known)):
        return _pattern(known).sub(MARK, body)
    return body


@lru_cache(maxsize=4096)
def _traces(credentials: tuple[str, ...]) -> tuple[bytes, ...]:
    """One of these stands in every text with a credential, whole or cut. b"" stands in any."""
    return tuple({_trace(form) for form, _mixed in _forms(credentials)})


def _trace(form: str) -> bytes:
    return max(_PLAIN_RUN.findall(form[:HEAD]), key=len, default="").encode()


@lru_cache(maxsize=256)
def _pattern(credentials: tuple[str, ...]) -> re.Pattern[bytes]:
    """The longest first: none is left over of which another is a part."""
    forms = sorted(_forms(credentials), key=lambda form: len(form[0]), reverse=True)
    spelled = "|".join(_spelled(form, mixed) for form, mixed in forms)
    return re.compile((spelled or r"(?!)").encode("utf-8", "surrogatepass"), re.DOTALL)


def _forms(credentials: tuple[str, ...]) -> list[tuple[str, int | None]]:
    """Each secret itself, and (with a number) in base64."""
    secrets = dict.fromkeys(secret for credential in credentials for secret in _secrets_in(credential))
    found = [form for secret in secrets for form in ((secret, None), *_in_base64(secret))]
    return [form for form in found if len(form[0]) >= SHORTEST]


def _in_base64(secret: str) -> Iterator[tuple[str, int]]:
    """Behind a multiple of three bytes, and one and two more: the characters that are the secret's alone, and how
    many before them it shares with what stands there."""
    raw = secret.encode("utf-8", "surrogatepass")
    for shift, mixed in ((0, 0), (1, 2), (2, 3)):
        yield b64encode(bytes(shift) + raw).decode()[mixed : (shift + len(raw)) * 8 // 6], mixed


def _secrets_in(credential: str) -> list[str]:
    """Of a credential that is a JSON document, such as a service account, what is secret in it; else itself."""
    if not credential.startswith("{"):
        return [credential]
    try:
        document: Any = json.loads(credential)
    except (ValueError, RecursionError):
        return [credential]
    named = [value for key, value in document.items() if isinstance(value, str) and names_credential(key)]
    return named or [credential]


def _spelled(form: str, mixed: int | None) -> str:
    """The regular expression of a form in every spelling, or of its head and more up to the end of the text."""
    also: dict[str, str] = {} if mixed is None else _URL_SAFE
    head = "".join(_ways(char, also) for char in form[:HEAD])
    rest = "".join(f"(?:{_ways(char, also)}|{_end(char)})" for char in form[HEAD:])
    if mixed is None:
        return head + rest
    return f"{_IN_BASE64}{{0,{mixed}}}{head}{rest}{_IN_BASE64}?{_PADDING}"


def _end(char: str) -> str:
    return r"\Z" if char in _PLAIN else _TORN


def _ways(char: str, also: dict[str, str]) -> str:
    if char in _PLAIN:
        return re.escape(char)
    unit = rf"\\+u{ord(char):04x}" if char.isascii() else json.dumps(char)[1:-1].replace("\\", r"\\+")
    ways = [
        "".join(rf"%(?:25)*{byte:02x}" for byte in char.encode("utf-8", "surrogatepass")),
        unit,
        r"\\+" + re.escape(_SHORT.get(char, char)),
        rf"&#(?:0*{ord(char)}|x0*{ord(char):x});",
        re.escape(html.escape(char)),
        *([r"\+"] if char == " " else []),
        *([also[char]] if char in also else []),
    ]
    return f"(?:{re.escape(char)}|(?i:{'|'.join(ways)}))"
