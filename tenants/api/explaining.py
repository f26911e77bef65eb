"""What an exception says to the caller: every error of a view becomes a problem here (REST_FRAMEWORK, settings)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from tenants.api.middleware import CHALLENGE
from tenants.api.problems import CONTENT_TYPE, FieldError, Path, Problem
from tenants.validation import code_of

WHOLE = ("", NON_FIELD_ERRORS, "non_field_errors")
_RETRY = {"40001", "40P01", "55P03"}
"""SQLSTATEs of two requests in each other's way: serialisation failure, deadlock, lock not available."""
_CODES = {"unique_together": "unique", "not_a_list": "invalid_type", "not_a_dict": "invalid_type"}

Translate = Callable[[Any], Problem]


def answer_exception(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None: nobody knows it, so it is logged as an error and answered as one of ours."""
    problem = problem_of(exception, renamed=getattr(context.get("view"), "renamed", None) or {})
    if problem is None:
        return None
    return Response(problem.body(), status=problem.status_code, headers=problem.headers, content_type=CONTENT_TYPE)


def problem_of(exception: Exception, *, renamed: Mapping[str, str]) -> Problem | None:
    """`renamed`: names of model fields → those of the API, where they differ."""
    if isinstance(exception, Problem):
        return exception
    if isinstance(exception, exceptions.ValidationError):
        return Problem("invalid", errors=list(_of_serializer(exception.detail, ())))
    if isinstance(exception, ValidationError):
        return _of_model(exception, renamed)
    for kind, translate in _KNOWN:
        if isinstance(exception, kind):
            return translate(exception)
    return None


def field_errors_of(error: ValidationError, *, renamed: Mapping[str, str], prefix: Path = ()) -> list[FieldError]:
    """Django's errors with the API's names. A key may be dotted: `providers.0.template_id`."""
    named: Mapping[str, Iterable[ValidationError]] = (
        error.error_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.error_list}
    )
    return [
        FieldError((*prefix, *_path_of(name, renamed), *_inside(one)), _code_of(one), message)
        for name, found in named.items()
        for one in found
        for message in _texts_of(one)
    ]


def _of_model(error: ValidationError, renamed: Mapping[str, str]) -> Problem:
    if not hasattr(error, "error_dict") and all(one.code == "in_use" for one in error.error_list):
        return Problem("in_use", " ".join(error.messages))
    return Problem("invalid", errors=field_errors_of(error, renamed=renamed))


def _path_of(name: str, renamed: Mapping[str, str]) -> Path:
    if name in WHOLE:
        return ()
    first, *rest = name.split(".")
    return (renamed.get(first, first), *(int(step) if step.isdecimal() else step for step in rest))


def _code_of(error: ValidationError) -> str:
    code = code_of(error)
    return _CODES.get(code, code)


def _inside(error: ValidationError) -> Path:
    """Where in a JSON field, if the error carries its dotted path (as those of a provider's configuration)."""
    return tuple(str((error.params or {}).get("path", "")).split(".")) if _has_path(error) else ()


def _texts_of(error: ValidationError) -> list[str]:
    return [str((error.params or {})["text"])] if _has_path(error) else error.messages


def _has_path(error: ValidationError) -> bool:
    return bool(error.params and error.params.get("path") and "text" in error.params)


def _of_serializer(detail: Any, path: Path) -> Iterator[FieldError]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _of_serializer(inner, path if name in WHOLE else (*path, name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # A list of messages belongs to its field; a list of objects has one entry per element.
            yield from _of_serializer(inner, (*path, index) if isinstance(inner, Mapping | list) else path)
    else:
        code = str(getattr(detail, "code", None) or "invalid")
        yield FieldError(path, _CODES.get(code, code), str(detail))


def _unauthenticated(exception: exceptions.APIException) -> Problem:
    return Problem("unauthenticated", exception.detail, headers=CHALLENGE)


def _forbidden(exception: exceptions.PermissionDenied) -> Problem:
    csrf = str(exception.detail).startswith("CSRF Failed")
    return Problem("csrf_failed", exception.detail) if csrf else Problem("forbidden")


def _of_database(error: OperationalError) -> Problem:
    if getattr(error.__cause__, "sqlstate", None) in _RETRY:
        return Problem("conflict", _("Try again: another request was changing the same."), headers={"Retry-After": "1"})
    return Problem("unavailable", headers={"Retry-After": "5"})


def _out_of_range(_error: DataError) -> Problem:
    return Problem("invalid", errors=[FieldError((), "out_of_range", str(_("A value is larger than can be stored.")))])


_KNOWN: tuple[tuple[type[Exception], Translate], ...] = (
    (Http404, lambda _error: Problem("not_found")),
    (exceptions.NotFound, lambda _error: Problem("not_found")),
    (exceptions.NotAuthenticated, _unauthenticated),
    (exceptions.AuthenticationFailed, _unauthenticated),
    (exceptions.PermissionDenied, _forbidden),
    (PermissionDenied, lambda _error: Problem("forbidden")),
    # DRF itself adds which methods the address takes.
    (exceptions.MethodNotAllowed, lambda error: Problem("method_not_allowed", error.detail)),
    (exceptions.NotAcceptable, lambda _error: Problem("not_acceptable")),
    (exceptions.UnsupportedMediaType, lambda _error: Problem("unsupported_media_type")),
    (exceptions.ParseError, lambda error: Problem("bad_request", error.detail)),
    # A rule of the database that a check of ours came too early for.
    (IntegrityError, lambda _error: Problem("conflict")),
    (DataError, _out_of_range),
    (OperationalError, _of_database),
    (InterfaceError, lambda _error: Problem("unavailable", headers={"Retry-After": "5"})),
)
