"""Rules for values that tenants and campaigns share."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
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
