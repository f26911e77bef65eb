"""The door for vendors' calls: /webhooks/{provider id}/… and /webhooks/telegram (contract.md, Providers).

Verified over the raw body, stored as it came but for secrets, and answered; a worker reads it (hearing.py). It stands
before sessions, languages and tenants, and believes no Host header: the address that signatures are made over is
PUBLIC_URL and what stands behind it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path

from ingestion.metrics import WEBHOOK_CALLS
from ingestion.wording import cleaned
from providers.listeners import Listener, Listeners, UnreadableProvider
from providers.reporting import Call
from providers.webhook_tokens import provider_of

PREFIX = "/webhooks/"
TELEGRAM, TELEGRAM_HEADER = "telegram", "x-telegram-bot-api-secret-token"
KEPT_HEADERS = ("content-type", "user-agent")
"""Nothing that a signature or a secret could stand in."""
MOST_ARGUMENTS = 100
LONGEST_PATH, LONGEST_QUERY, LONGEST_HEADER = 200, 2000, 300

Answer = TypeVar("Answer")

log = structlog.get_logger("prism.ingestion")

_KEEP = "SELECT prism_keep_webhook_call(%s, %s, %s, %s, %s, %s)"
_listeners = Listeners()


class WebhookMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        response = answer(request)
        response.headers["Cache-Control"] = "no-store"
        return response


class _Refused(Exception):  # noqa: N818 - an answer, no fault of ours
    def __init__(
        self, status: HTTPStatus, result: str, vendor: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(result)
        self.status, self.result, self.vendor = status, result, vendor
        self.headers = headers or MappingProxyType({})


def answer(request: HttpRequest) -> HttpResponse:
    """Whatever comes in, this is told in a status: vendors call again after a 5xx, and only then."""
    try:
        result, vendor, response = _take(request)
    except _Refused as refused:
        result, vendor = refused.result, refused.vendor
        response = _plain(refused.status, headers=refused.headers)
    except (DatabaseError, UnreadableProvider) as fault:
        result, vendor = "unavailable", ""
        place = cleaned(request.path_info.removeprefix(PREFIX).partition("/")[0], LONGEST_PATH)
        log.warning("webhook_not_taken", result="failure", error=_first_line(fault), metadata={"provider": place})
        response = _plain(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "5"})
    WEBHOOK_CALLS.labels(vendor=vendor or "none", result=result).inc()
    return response


def _take(request: HttpRequest) -> tuple[str, str, HttpResponse]:
    if request.method not in ("GET", "POST"):
        raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", headers={"Allow": "GET, POST"})
    body = _body(request)
    provider_id, path = _place(request)
    listener = _listener(provider_id)
    call = _call(request, path, body)
    vendor = listener.settings.vendor
    if request.method == "GET":
        greeting = _asked(listener, lambda: listener.transport.greet(listener.settings, call))
        if greeting is None:
            raise _Refused(HTTPStatus.UNAUTHORIZED, "unsigned", vendor)
        return "greeted", vendor, _plain(HTTPStatus.OK, greeting)
    if not _asked(listener, lambda: listener.transport.verify(listener.settings, call)):
        raise _Refused(HTTPStatus.UNAUTHORIZED, "unsigned", vendor)
    _keep(listener, call, request.META.get("QUERY_STRING", ""))
    return "stored", vendor, _plain(HTTPStatus(listener.transport.heard_status))


def _body(request: HttpRequest) -> bytes:
    """Refused before a byte of it is read. A body of unknown length would be taken for none."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and request.headers.get("Transfer-Encoding"):
        raise _Refused(HTTPStatus.LENGTH_REQUIRED, "no_length")
    if length.isdecimal() and int(length) > settings.WEBHOOK_MAX_BODY_BYTES:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
    try:
        return request.read()
    except UnreadablePostError as cut:
        raise _Refused(HTTPStatus.BAD_REQUEST, "cut_off") from cut


def _place(request: HttpRequest) -> tuple[str, str]:
    """(provider id, what stands behind it). Telegram's common address has the id in its secret."""
    first, _slash, rest = request.path_info.removeprefix(PREFIX).partition("/")
    if first == TELEGRAM:
        named = provider_of(request.headers.get(TELEGRAM_HEADER, ""))
        if named is None:
            raise _Refused(HTTPStatus.UNAUTHORIZED, "unsigned", TELEGRAM)
        return named, rest.strip("/")
    try:
        return str(uuid.UUID(first)), rest.strip("/")
    except ValueError:
        raise _Refused(HTTPStatus.NOT_FOUND, "unknown") from None


def _listener(provider_id: str) -> Listener:
    with connection.cursor() as cursor:
        found = _listeners.find(cursor, provider_id)
    if found is None:
        raise _Refused(HTTPStatus.NOT_FOUND, "unknown")
    return found


def _call(request: HttpRequest, path: str, body: bytes) -> Call:
    query = request.META.get("QUERY_STRING", "")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_ARGUMENTS)
    except ValueError:
        raise _Refused(HTTPStatus.BAD_REQUEST, "arguments") from None
    return Call(
        method=request.method or "",
        url=settings.PUBLIC_URL + escape_uri_path(request.path_info) + (f"?{query}" if query else ""),
        path=path,
        query=dict(reversed(pairs)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=dt.datetime.now(dt.UTC),
    )


def _asked(listener: Listener, question: Callable[[], Answer]) -> Answer | None:
    """What the transport says; whatever a stranger wrote that it stumbles over is no signature."""
    try:
        return question()
    except Exception:
        log.exception("webhook_not_verified", result="failure", metadata={"provider": listener.settings.provider_id})
        return None


def _keep(listener: Listener, call: Call, query: str) -> None:
    """One statement of its own: what is stored is stored when the vendor hears so."""
    own = listener.settings
    body, shown = _redacted(listener, call.body), _redacted(listener, query.encode()).decode(errors="replace")
    headers = {name: cleaned(call.headers[name], LONGEST_HEADER) for name in KEPT_HEADERS if name in call.headers}
    values = [own.provider_id, call.method, cleaned(call.path, LONGEST_PATH), cleaned(shown, LONGEST_QUERY)]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [*values, msgspec.json.encode(headers).decode(), body])
        (kept,) = cursor.fetchone()
    if kept is None:
        raise _Refused(HTTPStatus.NOT_FOUND, "unknown", own.vendor)


def _redacted(listener: Listener, content: bytes) -> bytes:
    try:
        return listener.transport.redact(listener.settings, content)
    except Exception as fault:
        # With its secrets it may not be stored; the vendor calls again, and somebody mends the transport.
        log.exception("webhook_not_redacted", result="failure", metadata={"provider": listener.settings.provider_id})
        raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", listener.settings.vendor) from fault


def _first_line(fault: Exception) -> str:
    """Without the lines in which a driver repeats rows."""
    return cleaned((str(fault).strip() or type(fault).__name__).splitlines()[0], LONGEST_HEADER)


def _plain(status: HTTPStatus, text: str = "", headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8", headers=dict(headers or {}))
