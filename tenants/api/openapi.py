"""What the OpenAPI document says of every endpoint alike: who may, which versions, and each error there can be."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from tenants.api.filtering import has_filters
from tenants.api.permissions import MayUse, capability_of
from tenants.api.problem_types import TYPES
from tenants.api.problems import CONTENT_TYPE, PLACE

ALWAYS = ("401", "403", "404", "406", "429", "500", "503")
OF_BODIES = ("400", "409", "411", "413", "415", "422")
OF_VERSIONS = ("409", "412", "428")
SUMMARIES = {
    "list": "List {many}",
    "create": "Create {one}",
    "retrieve": "Show {one}",
    "update": "Replace {one}",
    "partial_update": "Change {one}",
    "destroy": "Delete {one}",
}
_ETAG = "The version of what is shown. Send it as If-Match to change it."


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the base has no types
    target_class = "tenants.api.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, Any]:
        told = "An API key of the organisation. Its scopes say what it may do; it is shown once, when it is made."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "prism_…", "description": told}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the same
    target_class = "tenants.api.authentication.PersonAuthentication"
    name = "session"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, Any]:
        told = "Whoever is signed in at the admin, from its own pages. Changes need the header X-CSRFToken as well."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": told}


class Schema(AutoSchema):
    """REST_FRAMEWORK's DEFAULT_SCHEMA_CLASS."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            refs = {code: {"$ref": f"#/components/responses/Problem{code}"} for code in sorted(self._problems())}
            operation["responses"] = {**operation["responses"], **refs}
        return operation

    def get_summary(self) -> str | None:
        told = super().get_summary() or getattr(self.view, "summaries", {}).get(self._action)
        if told or not hasattr(self.view, "model"):
            return told
        names = self.view.model._meta
        one = str(names.verbose_name)
        article = "an" if one[0].lower() in "aeiou" else "a"
        return SUMMARIES.get(self._action, "").format(many=names.verbose_name_plural, one=f"{article} {one}") or None

    def get_description(self) -> str:  # type: ignore[override]  # as the base does
        """A docstring is for those who read the code; who calls reads `descriptions` of the view."""
        told = str(getattr(self.view, "descriptions", {}).get(self._action, ""))
        scope = capability_of(self.view, self.method) if self._is_closed() else None
        return "\n\n".join(part for part in (told, f"Scope: `{scope.value}`." if scope else "") if part)

    def get_override_parameters(self) -> list[Any]:
        told = []
        if self._is_versioned():
            told.append(_header("If-Match", "The ETag that you have read; `*` overwrites whatever is there.", True))
        if self._action == "retrieve":
            told.append(_header("If-None-Match", "An ETag: with 304 it is still the newest version.", False))
        if self._action in ("create", "retrieve", "update", "partial_update") and hasattr(self.view, "model"):
            told.append(OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201], description=_ETAG))
        return [*super().get_override_parameters(), *told]

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = dict(super()._get_response_bodies(direction))
        if self._action == "retrieve" and not getattr(self.view, "volatile", ()):
            bodies["304"] = {"description": "It is the version that If-None-Match names."}
        return bodies

    def _get_filter_parameters(self) -> list[Any]:
        if not has_filters(self.view):
            return []
        return list(super()._get_filter_parameters())  # type: ignore[no-untyped-call]  # the base has no types

    @property
    def _action(self) -> str:
        return str(getattr(self.view, "action", None) or self.method.lower())

    def _is_closed(self) -> bool:
        return MayUse in self.view.permission_classes

    def _is_versioned(self) -> bool:
        versioned = getattr(self.view, "versioned", ("update", "partial_update", "destroy"))
        return self._action in versioned and hasattr(self.view, "model")

    def _problems(self) -> set[str]:
        codes = {*ALWAYS} if self._is_closed() else {*ALWAYS} - {"403", "404"}
        if self.method in ("POST", "PUT", "PATCH"):
            codes |= {*OF_BODIES}
        if self.method == "DELETE":
            codes |= {"409", "411", "413"}
        if self._is_versioned():
            codes |= {*OF_VERSIONS}
        if self._action == "list":
            codes.add("400")
        return codes


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: ARG001 - the hook's shape
    """SPECTACULAR_SETTINGS' hook: the errors, written down once; and bodies that take no field besides theirs."""
    components = result.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    schemas["FieldError"] = FIELD_ERROR
    used = sorted({int(kind.status) for kind in TYPES.values()})
    components["responses"] = {f"Problem{status}": _response(status) for status in used}
    for name, schema in schemas.items():
        if name.endswith("Request") and schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return result


def _header(name: str, description: str, required: bool) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, required=required, description=description)


def _response(status: int) -> dict[str, Any]:
    kinds = [kind for kind in TYPES.values() if kind.status == status]
    examples = {
        kind.code: {
            "value": {
                "type": f"{PLACE}#{kind.code}",
                "title": str(kind.title),
                "status": status,
                "detail": str(kind.title),
                "code": kind.code,
                "correlation_id": "0f8fad5bd9cb469fa16570867728950e",
                **({"errors": [_example()]} if status == HTTPStatus.UNPROCESSABLE_ENTITY else {}),
            }
        }
        for kind in kinds
    }
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
    told = "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds)
    return {"description": told, "content": content}


def _example() -> dict[str, str]:
    return {
        "in": "body",
        "pointer": "#/providers/0/template_id",
        "field": "providers.0.template_id",
        "code": "unknown",
        "detail": "There is no such template.",
    }


FIELD_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["in", "pointer", "field", "code", "detail"],
    "properties": {
        "in": {"type": "string", "enum": ["body", "query", "header"]},
        "pointer": {"type": ["string", "null"], "description": "JSON pointer into the body; null outside of it."},
        "field": {"type": "string", "description": "The same with dots, or the parameter's name; empty: the whole."},
        "code": {"type": "string", "description": "For programs; it never changes."},
        "detail": {"type": "string", "description": "For people, in the language of Accept-Language."},
    },
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem (RFC 9457). Programs go by `code`; people read `title`, `detail` and those of `errors`.",
    "required": ["type", "title", "status", "detail", "code", "correlation_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(TYPES)},
        "correlation_id": {"type": ["string", "null"], "description": "Name it when you ask us; our logs have it."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
        "line": {"type": "integer", "description": "Of malformed JSON."},
        "column": {"type": "integer", "description": "Of malformed JSON."},
    },
}
