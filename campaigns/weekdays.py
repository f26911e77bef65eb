"""The seed's `week_days`: ISO numbers 1 (Monday) to 7 (Sunday), stored as "1,2,3"; lists are accepted too."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def parse_week_days(value: str | Iterable[int | str]) -> list[int]:
    """Sorted distinct ISO weekdays of either form. Raises ValidationError that names what is wrong."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else [str(part) for part in value]
    days: set[int] = set()
    for part in parts:
        if part == "0":
            raise ValidationError(_("0 is not a day of the week here: Sunday is 7."), code="week_day_zero")
        if part not in {"1", "2", "3", "4", "5", "6", "7"}:
            raise ValidationError(
                _("“%(part)s” is not a day of the week. Use numbers from 1 (Monday) to 7 (Sunday), as 1,2,3."),
                code="week_day_unknown",
                params={"part": part[:20]},
            )
        days.add(int(part))
    return sorted(days)


def format_week_days(days: Iterable[int]) -> str:
    return ",".join(str(day) for day in sorted(set(days)))


def validate_week_days(value: str) -> None:
    parse_week_days(value)
