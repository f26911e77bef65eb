"""Lists in pages by cursor: a row is never shown twice nor passed over because others came or went in between."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.problems import FieldError, Problem

LIMIT, CURSOR = "limit", "cursor"
SALT = "prism.api.cursor"
DEFAULT_LIMIT, MAX_LIMIT = 50, 200


class CursorPages(BasePagination):
    """The view's `ordering` names fields in one direction, the last of them unique, none of them null."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.ordering: tuple[str, ...] = tuple(view.ordering)
        self.salt = f"{SALT}:{type(view).__name__}:{','.join(self.ordering)}"
        limit = limit_of(request)
        after = self._after(request)
        if after is not None:
            queryset = queryset.filter(beyond(self.ordering, after))
        rows = list(queryset.order_by(*self.ordering)[: limit + 1])
        self.next_cursor = self._cursor_of(rows[limit - 1]) if len(rows) > limit else None
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        response = Response({"results": data, "next_cursor": self.next_cursor})
        if self.next_cursor:
            query = {**self.request.query_params.dict(), CURSOR: self.next_cursor}
            response["Link"] = f'<{self.request.path}?{urlencode(query)}>; rel="next"'
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next_cursor"],
            "properties": {
                "results": schema,
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": "Send it as `cursor` for the next page. Null: this was the last one.",
                },
            },
        }

    def get_schema_operation_parameters(self, _view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": LIMIT,
                "in": "query",
                "description": "Rows of a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            },
            {
                "name": CURSOR,
                "in": "query",
                "description": "`next_cursor` of the page before, as it is.",
                "schema": {"type": "string", "maxLength": 1000},
            },
        ]

    def _cursor_of(self, row: Model) -> str:
        values = [_packed(getattr(row, name.lstrip("-"))) for name in self.ordering]
        return signing.dumps(values, salt=self.salt)

    def _after(self, request: Request) -> list[Any] | None:
        given = request.query_params.get(CURSOR)
        if given is None:
            return None
        try:
            values: list[Any] = signing.loads(given, salt=self.salt)
        except signing.BadSignature:
            message = _("This is no cursor of this list. Begin again without one.")
            raise wrong_parameter(CURSOR, "invalid_cursor", message) from None
        return values


def limit_of(request: Request) -> int:
    given = request.query_params.get(LIMIT)
    if given is None:
        return DEFAULT_LIMIT
    if not (given.isascii() and given.isdecimal() and len(given) < 9 and 1 <= int(given) <= MAX_LIMIT):
        raise wrong_parameter(LIMIT, "out_of_range", _("A whole number from 1 to %(most)d.") % {"most": MAX_LIMIT})
    return int(given)


def wrong_parameter(name: str, code: str, message: str) -> Problem:
    return Problem("invalid_parameters", errors=[FieldError((name,), code, message, "query")])


def beyond(ordering: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows after these values: (a, b) > (x, y), spelled so that an index on a alone can begin at x."""
    first, *rest = ordering
    name, way = first.lstrip("-"), "lt" if first.startswith("-") else "gt"
    strictly = Q((f"{name}__{way}", values[0]))
    if not rest:
        return strictly
    return Q((f"{name}__{way}e", values[0])) & (strictly | beyond(rest, values[1:]))


def _packed(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
