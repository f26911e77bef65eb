"""The kinds of problems that the API answers with: stable codes, for programs to act upon. docs/api.md lists them."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ProblemType(msgspec.Struct, frozen=True):
    """`code` is for programs and never changes; `title` is for people, in their language."""

    code: str
    status: HTTPStatus
    title: Promise | str


TYPES: dict[str, ProblemType] = {
    kind.code: kind
    for kind in (
        ProblemType("bad_request", HTTPStatus.BAD_REQUEST, _("The request could not be understood")),
        ProblemType("malformed_json", HTTPStatus.BAD_REQUEST, _("The body is not valid JSON")),
        ProblemType("invalid_parameters", HTTPStatus.BAD_REQUEST, _("Parameters of the address are wrong")),
        ProblemType("unauthenticated", HTTPStatus.UNAUTHORIZED, _("Sign in, or send a valid API key")),
        ProblemType("forbidden", HTTPStatus.FORBIDDEN, _("This is not allowed")),
        ProblemType("csrf_failed", HTTPStatus.FORBIDDEN, _("The CSRF token is missing or wrong")),
        ProblemType("missing_scope", HTTPStatus.FORBIDDEN, _("The key or role does not allow this")),
        ProblemType("not_found", HTTPStatus.NOT_FOUND, _("There is no such thing")),
        ProblemType("method_not_allowed", HTTPStatus.METHOD_NOT_ALLOWED, _("This address does not take this method")),
        ProblemType("not_acceptable", HTTPStatus.NOT_ACCEPTABLE, _("Answers are JSON only")),
        ProblemType("conflict", HTTPStatus.CONFLICT, _("Somebody else was faster")),
        ProblemType("wrong_state", HTTPStatus.CONFLICT, _("Its state does not allow this")),
        ProblemType("duplicate_correlation_id", HTTPStatus.CONFLICT, _("The correlation id is another message's")),
        ProblemType("idempotency_in_progress", HTTPStatus.CONFLICT, _("The first request with this key is not done")),
        ProblemType("in_use", HTTPStatus.CONFLICT, _("It is in use")),
        ProblemType("length_required", HTTPStatus.LENGTH_REQUIRED, _("A body needs its Content-Length")),
        ProblemType("precondition_failed", HTTPStatus.PRECONDITION_FAILED, _("It was changed in the meantime")),
        ProblemType("too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("The body is too large")),
        ProblemType("unsupported_media_type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _("Bodies are JSON only")),
        ProblemType("invalid", HTTPStatus.UNPROCESSABLE_ENTITY, _("Some fields are wrong")),
        ProblemType("refused", HTTPStatus.UNPROCESSABLE_ENTITY, _("The message is not accepted")),
        ProblemType(
            "idempotency_key_reused", HTTPStatus.UNPROCESSABLE_ENTITY, _("This key was used for another request")
        ),
        ProblemType("precondition_required", HTTPStatus.PRECONDITION_REQUIRED, _("Say which version you change")),
        ProblemType("too_many_requests", HTTPStatus.TOO_MANY_REQUESTS, _("Too many requests")),
        ProblemType("internal_error", HTTPStatus.INTERNAL_SERVER_ERROR, _("Something went wrong on our side")),
        ProblemType("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, _("Not available at the moment")),
    )
}

OF_STATUS: dict[int, str] = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "unavailable",
}
"""What an answer that nobody gave a code is called, by its status."""
