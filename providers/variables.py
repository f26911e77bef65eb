"""Which environment variables a form may offer: names from the operator's list, and whether this process has them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from django.utils.translation import gettext as _

from providers.composing import OTHER
from providers.credentials import VARIABLE_NAME


def variable_choices(
    allow_list: Sequence[str], current: str, environment: Mapping[str, str] = os.environ
) -> list[tuple[str, str]]:
    """(name, label). Values are never looked at. The workers' environment may differ, so a hint is all it is."""
    names = dict.fromkeys([*_named(allow_list), *_matching(allow_list, environment), *([current] if current else [])])
    hosts = {pattern: host for pattern, at, host in map(_parts, allow_list) if at}
    return [(name, _label(name, hosts.get(name, ""), environment)) for name in names]


def prefixes(allow_list: Sequence[str]) -> list[str]:
    """What the name of a variable may begin with beside those that are listed in full."""
    return [pattern[:-1] for pattern, _at, _host in map(_parts, allow_list) if len(pattern) > 1 and pattern[-1] == "*"]


def choices_with_other(
    allow_list: Sequence[str], current: str, environment: Mapping[str, str] = os.environ
) -> list[tuple[str, str]]:
    choices = [("", _("Choose a variable")), *variable_choices(allow_list, current, environment)]
    found = prefixes(allow_list)
    if found:
        shown = _("Another one that begins with %(prefixes)s …") % {"prefixes": " / ".join(found)}
        choices.append((OTHER, shown))
    return choices


def _named(allow_list: Sequence[str]) -> Iterator[str]:
    return (pattern for pattern, _at, _host in map(_parts, allow_list) if VARIABLE_NAME.fullmatch(pattern))


def _matching(allow_list: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    return sorted(name for prefix in prefixes(allow_list) for name in environment if name.startswith(prefix))


def _label(name: str, host: str, environment: Mapping[str, str]) -> str:
    bound = f" @ {host}" if host else ""
    hint = _("set in this process") if environment.get(name) else _("not set in this process")
    return f"{name}{bound} — {hint}"


def _parts(entry: str) -> tuple[str, str, str]:
    return entry.partition("@")
