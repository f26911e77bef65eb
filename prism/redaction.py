"""Keeps secrets and personal data out of log lines: by the name of a field, and by the look of a text.

Names of people cannot be recognised in running text, so whoever logs passes ids. What can be recognised is masked
wherever it stands, in exception texts and stacks too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SECRET, PERSONAL, CUT = "[secret]", "[personal]", "…"
LONGEST_TEXT, LONGEST_STACK = 2_000, 12_000
MOST_ITEMS, DEEPEST = 100, 6

_SECRET_KEYS = re.compile(
    r"pass(word|wd|phrase)|secret|token|authori[sz]ation|credential|cookie|(api|access|private|fernet)[-_ ]?keys?$"
    r"|^pwd$|^dsn$|database_url|csrf|session_?(id|key)$|signature",
    re.IGNORECASE,
)
_PERSONAL_KEYS = frozenset(
    {
        *("tax_id", "contact_tax_id", "tax_identification", "cpf", "cnpj", "document"),
        *("phone", "phone_number", "telefone", "email", "e_mail", "mail", "destination", "to", "recipient"),
        *("first_name", "last_name", "full_name", "contact_name", "trading_name"),
        *("contact_data", "contact_attributes", "attributes", "variables", "payload", "event_payload", "raw"),
        *("message_content", "message_subject", "message_body", "body", "subject", "html"),
        *("provider_response", "response"),
    }
)

_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    # PostgreSQL repeats whole rows in these lines, names and messages among them, over several lines if need be.
    (
        re.compile(
            r"^(\s*(?:DETAIL|CONTEXT|STATEMENT):).*"
            r"(?:\n(?!\s*(?:DETAIL|HINT|CONTEXT|STATEMENT|LOCATION):|\s*File \"|Traceback |During handling|The above).*"
            r")*",
            re.MULTILINE,
        ),
        r"\1 " + CUT,
    ),
    # Addresses with a password in them.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+@", re.IGNORECASE), r"\1" + SECRET + "@"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), r"\1 " + SECRET),
    (re.compile(r"\bprism_[0-9a-f]{12}_[A-Za-z0-9_-]+"), SECRET),
    (
        re.compile(
            r"(\b(?:password|passwd|secret|token|api[-_]?key|access[-_]?key)\b[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&)}\]]+",
            re.IGNORECASE,
        ),
        r"\1" + SECRET,
    ),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), PERSONAL),
    # CPF and CNPJ with punctuation (the new CNPJ has letters).
    (
        re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|\b[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-\d{2}\b"),
        PERSONAL,
    ),
    # Phones as people write them: with country, with area in brackets, with the dash.
    (re.compile(r"\+\d{1,3}[\s.-]?\(?\d{2,3}\)?[\s.-]?\d{3,5}[\s.-]?\d{4}\b|\+\d{8,15}\b"), PERSONAL),
    (re.compile(r"\(\d{2}\)\s?9?\d{4}[\s-]?\d{4}\b|(?<![\w-])\d{2}\s9?\d{4}-\d{4}\b"), PERSONAL),
)
# Ten to fifteen digits alone are a tax id or a phone; inside an id of ours (UUID, hexadecimal) they are not.
_DIGITS = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(?<![\w.-])\d{10,15}(?![\w-]|\.\d)"
)


def redacted(value: Any, *, key: str = "", depth: int = 0) -> Any:
    """A copy of any value that may be written: JSON types only, bounded in depth and length."""
    if key and _SECRET_KEYS.search(key):
        return SECRET
    if key.lower() in _PERSONAL_KEYS and value not in (None, "", [], {}):
        return PERSONAL
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _inside(value, depth + 1) if depth < DEEPEST else CUT
    return redacted_text(value if isinstance(value, str) else str(value))


def _inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        some = list(value.items())[:MOST_ITEMS]
        return {redacted_text(str(name)): redacted(inner, key=str(name), depth=depth) for name, inner in some}
    return [redacted(inner, depth=depth) for inner in list(value)[:MOST_ITEMS]]


def redacted_text(text: str, limit: int = LONGEST_TEXT) -> str:
    cut = text if len(text) <= limit else text[:limit] + CUT
    for pattern, replacement in _TEXTS:
        cut = pattern.sub(replacement, cut)
    return _DIGITS.sub(lambda found: found.group() if "-" in found.group() else PERSONAL, cut)
