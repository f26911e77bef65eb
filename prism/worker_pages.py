"""What a worker answers at METRICS_PORT: the same three addresses as the web process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.db import connection

from prism.readiness import problems


def with_probes(numbers: WSGIApplication) -> WSGIApplication:
    """`/healthz` and `/readyz` beside Prometheus' own application, which answers every other address.

    A worker whose threads have died is gone by itself, so that it answers at all is its health.
    """
    pages: dict[str, Callable[[], tuple[HTTPStatus, str, str]]] = {"/healthz": _alive, "/readyz": _ready}

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        page = pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            return numbers(environ, start_response)
        status, kind, text = page()
        start_response(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Cache-Control", "no-store")])
        return [text.encode()]

    return application


def _alive() -> tuple[HTTPStatus, str, str]:
    return HTTPStatus.OK, "text/plain", "ok\n"


def _ready() -> tuple[HTTPStatus, str, str]:
    try:
        found = problems()
    finally:
        # The thread ends with the answer, and nobody would close its connection.
        connection.close()
    answer: dict[str, Any] = {"ready": not found, **({"problems": found} if found else {})}
    return HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK, "application/json", json.dumps(answer)
