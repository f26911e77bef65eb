"""What somebody hears who failed to sign in too often, and how others let him in again (decision 27).

django-axes counts per name and address in the database, so that all web processes count together. Nobody is signed in
while it does, hence no transaction of ours is open: what it writes stays, whatever the answer.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers


def locked_out(request: HttpRequest, _response: Any, credentials: dict[str, Any] | None) -> HttpResponse:
    """The answer in place of the sign-in page, with the moment from which it is worth trying again."""
    attempts = AccessAttempt.objects.filter(
        username=(credentials or {}).get("username"), ip_address=getattr(request, "axes_ip_address", None)
    )
    last = attempts.aggregate(last=Max("attempt_time"))["last"] or timezone.now()
    again = last + settings.AXES_COOLOFF_TIME
    seconds = max(1, math.ceil((again - timezone.now()).total_seconds()))
    response = render(
        request,
        "prism/locked_out.html",
        {"again": again, "minutes": math.ceil(seconds / 60), "limit": settings.AXES_FAILURE_LIMIT},
        status=HTTPStatus.TOO_MANY_REQUESTS,
    )
    response.headers["Retry-After"] = str(seconds)
    add_never_cache_headers(response)
    return response


def blocked() -> QuerySet[Any]:
    """Names and addresses that are locked out now, or soon will be: rows that still count."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    attempts: QuerySet[Any] = AccessAttempt.objects.filter(attempt_time__gte=since)
    return attempts


def unlock(attempts: QuerySet[Any]) -> list[str]:
    """Forget failed attempts; whose they were."""
    names = sorted(set(attempts.values_list("username", flat=True)))
    attempts.delete()
    return names
