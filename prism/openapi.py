"""The OpenAPI 3.1 document of everything under /api/, in English, made from the code once per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.utils import translation
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
HEADING = "# Made by `manage.py export_openapi` from the code: change that.\n"


@cache
def build_document() -> dict[str, Any]:
    """Plain data. Raises where it is no valid OpenAPI document."""
    reset_generator_stats()
    with translation.override("en"):
        generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]  # the library's has no types
        plain: dict[str, Any] = _plain(generator.get_schema(request=None, public=True))
    validate_schema(plain)  # type: ignore[no-untyped-call]  # the same
    return plain


def render() -> str:
    """The document as it stands in docs/openapi.yaml."""
    return HEADING + yaml.safe_dump(build_document(), sort_keys=False, allow_unicode=True, width=116)


def _plain(value: Any) -> Any:
    """Lazy texts said, subclasses of dict and list forgotten."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, bool | int | float | type(None)) else str(value)
