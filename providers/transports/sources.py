"""A credential of a configuration has one source: a variable of the environment, or a stored secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from providers.credentials import ENV_VAR, SECRET


def check_source(
    part: Mapping[str, Any], name: str, path: tuple[str, ...] = (), *, required: bool = True
) -> list[tuple[str, str]]:
    """(path, message) where `part`, the object at `path`, names the credential twice, or not although it must."""
    variable, secret = name + ENV_VAR, name + SECRET
    given = [key for key in (variable, secret) if key in part]
    if len(given) > 1:
        told = gettext("give %(variable)s or %(secret)s, not both") % {"variable": variable, "secret": secret}
        return [(".".join((*path, secret)), told)]
    if required and not given:
        told = gettext("is needed; or give %(secret)s") % {"secret": secret}
        return [(".".join((*path, variable)), told)]
    return []


def is_given(part: Mapping[str, Any], name: str) -> bool:
    return name + ENV_VAR in part or name + SECRET in part
