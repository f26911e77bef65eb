"""What changed from one version of a template to the next, as pieces that a page can colour. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

import msgspec

from templates.models import TemplateVersion

_WORDS = re.compile(r"\s+|[^\s\w]|\w+")
# Comparing is quadratic at worst: longer texts are compared by line.
_MOST_WORDS = 2_000

Kind = Literal["same", "added", "removed"]


class Change(msgspec.Struct, frozen=True):
    text: str
    kind: Kind


def changes_between(before: str, after: str) -> list[Change]:
    old, new = _tokens(before, after)
    changes: list[Change] = []
    for tag, start, end, into, until in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            changes.append(Change("".join(old[start:end]), "same"))
            continue
        changes += [Change("".join(old[start:end]), "removed")] if end > start else []
        changes += [Change("".join(new[into:until]), "added")] if until > into else []
    return changes


def text_of(version: TemplateVersion) -> str:
    """Everything of a version that a contact could see, under each other."""
    return "\n".join(part for part in (version.subject, version.body, *version.variants, version.media_url) if part)


def _tokens(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) <= _MOST_WORDS:
        return old, new
    return before.splitlines(keepends=True)[:_MOST_WORDS], after.splitlines(keepends=True)[:_MOST_WORDS]
