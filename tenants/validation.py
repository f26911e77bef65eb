"""Rules for values that tenants and campaigns share."""

from __future__ import annotations

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
