"""Rules for values that tenants and campaigns share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _


def validate_timezone(value: str) -> None:
    """Accept only an IANA zone name that the pinned tzdata knows."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValidationError(
            _("“%(value)s” is not a known time zone. Example: America/Sao_Paulo."),
            code="unknown_timezone",
            params={"value": value},
        ) from error


def violated_constraint(error: IntegrityError) -> str:
    """The name of the constraint that refused a row, for the rare race past a form's own check; "" where unnamed."""
    diagnostics = getattr(error.__cause__, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


class Coded(str):
    """A message for a person that carries a stable code for programs."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, text: object, code: str) -> Self:
        coded = super().__new__(cls, text)
        coded.code = code
        return coded


def coded_messages(errors: Iterable[ValidationError]) -> list[str]:
    """Django's errors of one field as messages that keep their codes."""
    return [Coded(message, code_of(error)) for error in errors for message in error.messages]


def code_of(error: ValidationError) -> str:
    """The code that a single error or its message was given; "invalid" where nobody gave one."""
    return str(error.code or getattr(error.message, "code", None) or "invalid")
