"""What a check answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from django.utils.functional import Promise


class Finding(msgspec.Struct, frozen=True):
    """`what` is wrong, and what to `do` next: whole sentences in the active language. A hint is nothing wrong."""

    what: str
    do: str
    is_hint: bool = False


class Check(msgspec.Struct, frozen=True):
    """`name` is stable, for machines; `title` is for people. `needs`: checks without whose success it is not asked."""

    name: str
    title: Promise
    run: Callable[[], Iterable[Finding]]
    needs: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """`findings` is None where the check was not asked."""

    name: str
    title: str
    findings: list[Finding] | None

    @property
    def healthy(self) -> bool:
        return self.findings is not None and all(finding.is_hint for finding in self.findings)
