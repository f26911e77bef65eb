"""One log line and one measurement per request, and the ids that tie its lines together."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram
from structlog.contextvars import bound_contextvars

from tenants.identity import tenant_of

HEADER = "X-Correlation-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("prism_http_requests", "Requests answered by the web process", ["method", "status"])
SECONDS = Histogram("prism_http_seconds", "Time to answer a request", ["method"])

log = structlog.get_logger("prism.web")


class RequestLogMiddleware:
    """Stands outside everything that may fail, so that no request goes without its line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        correlation_id = correlation_of(request.headers.get(HEADER, ""))
        trace_id = trace_of(request.headers.get("traceparent", ""))
        # The thread serves somebody else next: nothing of this request may stay bound to it.
        with bound_contextvars(correlationId=correlation_id, traceId=trace_id):
            response = self._answer(request)
        response.headers[HEADER] = correlation_id
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        method = request.method if request.method in _METHODS else "OTHER"
        REQUESTS.labels(method=method, status=str(response.status_code)).inc()
        SECONDS.labels(method=method).observe(seconds)
        self._write(request, response.status_code, seconds)
        return response

    def _write(self, request: HttpRequest, status: int, seconds: float) -> None:
        identity = tenant_of(request)
        log.info(
            "http_request",
            tenantId=identity.slug if identity else None,
            result="failure" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "success",
            duration=seconds * 1000,
            # Without the query: what people search for is personal.
            metadata={"method": request.method, "path": request.path, "status": status},
        )


def correlation_of(given: str) -> str:
    """The caller's id if it is a plain one, else a new one."""
    return given if _GIVEN.fullmatch(given) else uuid.uuid4().hex


def trace_of(traceparent: str) -> str | None:
    """The trace id of a W3C traceparent header."""
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    return found.group(1) if found else None
