"""What machines ask: alive, ready, and the numbers. Answered before hosts, TLS, sessions and the log of requests.

A probe comes without a host name and without TLS, so this middleware stands first. It tells no secrets: readiness in
words, and the numbers only to the addresses and tokens of the settings.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from prism import metrics
from prism.readiness import problems

OF_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = {"/healthz": healthz, "/readyz": readyz, "/metrics": show_metrics}.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
        response = answer(request)
        response["Cache-Control"] = "no-store"
        return response


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked: a lost database must not get every process restarted."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    found = problems()
    if not found:
        return JsonResponse({"ready": True})
    return JsonResponse({"ready": False, "problems": found}, status=HTTPStatus.SERVICE_UNAVAILABLE)


def show_metrics(request: HttpRequest) -> HttpResponse:
    if not may_see_metrics(request):
        return HttpResponse("forbidden\n", status=HTTPStatus.FORBIDDEN, content_type="text/plain")
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


def may_see_metrics(request: HttpRequest) -> bool:
    """The bearer token of METRICS_TOKEN where one is set; else an address in METRICS_ALLOWED_NETWORKS."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if any(name in request.headers for name in OF_PROXIES):
        # Through a proxy everybody comes from the proxy's address: then only a token tells them apart.
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.METRICS_ALLOWED_NETWORKS)
