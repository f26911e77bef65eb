"""Errors as problem details (RFC 9457): one shape for whatever goes wrong under /api/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from structlog.contextvars import get_contextvars

from tenants.api.problem_types import TYPES

CONTENT_TYPE = "application/problem+json"
PLACE = "/api/problems"
"""Where the types are described; `type` of a problem points into it."""

Path = tuple[str | int, ...]


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong. `path` leads to it in the body; for a parameter of the address it is its name."""

    path: Path
    code: str
    detail: str
    place: str = "body"

    def shown(self) -> dict[str, Any]:
        in_body = self.place == "body"
        return {
            "in": self.place,
            "pointer": pointer_of(self.path) if in_body else None,
            "field": ".".join(str(step) for step in self.path),
            "code": self.code,
            "detail": self.detail,
        }


class Problem(APIException):
    """Raise it in a view, with a code of `problem_types`. `more` are further members of the answer."""

    def __init__(
        self,
        code: str,
        detail: Any = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = TYPES[code]
        self.status_code = int(self.kind.status)
        super().__init__(str(detail or self.kind.title), code)
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def body(self) -> dict[str, Any]:
        return {
            **problem_body(self.kind.code, str(self.detail)),
            **self.more,
            **({"errors": [error.shown() for error in self.errors]} if self.errors else {}),
        }


def problem_body(code: str, detail: str = "") -> dict[str, Any]:
    kind = TYPES[code]
    return {
        "type": f"{PLACE}#{code}",
        "title": str(kind.title),
        "status": int(kind.status),
        "detail": detail or str(kind.title),
        "code": code,
        "correlation_id": get_contextvars().get("correlationId"),
    }


def problem_response(
    code: str, detail: Any = "", *, headers: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> HttpResponse:
    """For what is answered outside of a view."""
    body = {**problem_body(code, str(detail)), **(more or {})}
    content = msgspec.json.encode(body)
    length = {"Content-Length": str(len(content))}
    return HttpResponse(
        content, content_type=CONTENT_TYPE, status=body["status"], headers={**(headers or {}), **length}
    )


def pointer_of(path: Path) -> str:
    """A JSON pointer (RFC 6901) as a URI fragment: `#/providers/0/template_id`; `#` is the whole body."""
    return "#" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
